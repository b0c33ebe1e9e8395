# SPDX-License-Identifier: GPL-2.0-only
"""Who is to get a patch: what the tree's own scripts/get_maintainer.pl says.

Nothing is ever sent from here.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from kmaplocal.errors import KmaplocalError

SCRIPT = "scripts/get_maintainer.pl"
# The script goes through hashes, whose order is another one each time.
_ORDERED = {"PERL_HASH_SEED": "0", "PERL_PERTURB_KEYS": "0"}
# Roles of people who take patches, by get_maintainer_role() of the script; all others
# are told.
_TAKING = (
    "maintainer",
    "supporter",
    "odd fixer",
    "orphan minder",
    "obsolete minder",
    "chief penguin",
)
_LISTS = ("open list", "moderated list", "subscriber list")
# The role may end in the middle: the script cuts the title of an entry short.
_LINE = re.compile(r"^(?P<who>.*<[^<>]*>|\S+)\s+\((?P<role>.*)\)$")

# How the script names the author of a commit that nobody signed off.
_AUTHOR = re.compile(r'^"GitAuthor: (?P<name>[^"]*)" <')


class NoRecipients(KmaplocalError):
    """The tree's get_maintainer.pl does not say who is to get a patch."""


class Recipients(NamedTuple):
    """Addresses, in the order in which the tree's script names them."""

    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()

    def headers(self) -> str:
        """The header lines of a mail, one address a line."""
        return _header("To", self.to) + _header("Cc", self.cc)

    def trailers(self) -> str:
        """A line an address, as `b4 prep` keeps them below its cover letter."""
        lines = [f"To: {who}" for who in self.to] + [f"Cc: {who}" for who in self.cc]
        return "".join(f"{line}\n" for line in lines)


def recipients(root: Path, paths: Sequence[str]) -> Recipients:
    """Who is to get a patch of PATHS below ROOT; nobody where the tree has no such
    script.  Raises NoRecipients when the script fails."""
    if not (root / SCRIPT).is_file():
        return Recipients()
    command = ["perl", SCRIPT, "--no-multiline", "--separator", "\n", "--rolestats"]
    done = subprocess.run(
        [*command, *(word for path in paths for word in ("-f", path))],
        cwd=root,
        env={**os.environ, **_ORDERED},
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    said = done.stdout.decode(errors="replace")
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().split("\n")[0]
        raise NoRecipients(f"{root}: {SCRIPT} failed for {paths[0]}: {why}")
    return parsed(said.splitlines())


def parsed(lines: Iterable[str]) -> Recipients:
    """The recipients of LINES such as "Ann <a@b> (maintainer:ONE THING)".  What nobody
    takes goes to the lists of that code, or to the one for all code."""
    roles: dict[str, list[str]] = {}
    for line in lines:
        found = _LINE.match(line.strip())
        if found:
            who = _AUTHOR.sub(r"\g<name> <", found["who"])
            roles.setdefault(who, []).append(found["role"])
    for kinds in (_TAKING, tuple(f"{kind}:" for kind in _LISTS), _LISTS):
        to = [who for who, each in roles.items() if _is_any(each, kinds)]
        if to:
            break
    return Recipients(tuple(to), tuple(who for who in roles if who not in to))


def _is_any(roles: Iterable[str], kinds: tuple[str, ...]) -> bool:
    return any(role.startswith(kinds) for role in roles)


def together(several: Iterable[Recipients]) -> Recipients:
    """The recipients of a cover letter: all who get one of the patches."""
    each = list(several)
    to = dict.fromkeys(who for one in each for who in one.to)
    cc = dict.fromkeys(who for one in each for who in one.cc if who not in to)
    return Recipients(tuple(to), tuple(cc))


def _header(name: str, addresses: Sequence[str]) -> str:
    return f"{name}: " + ",\n    ".join(addresses) + "\n" if addresses else ""
