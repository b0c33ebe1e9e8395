# SPDX-License-Identifier: GPL-2.0-only
"""The commits of a series, made without touching index or work tree.

On a git tree they lie on top of HEAD, and a branch can be made of them; elsewhere
a repository of its own holds the files that change, for the time of the run.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from kmaplocal import scratch
from kmaplocal.errors import GitTrouble, KmaplocalError
from kmaplocal.tree import repository


class NoAuthor(KmaplocalError):
    """Git does not know who the patches are from."""


class Person(NamedTuple):
    """Who the patches are from."""

    name: str
    email: str

    @property
    def sign_off(self) -> str:
        """The trailer of a message."""
        return f"Signed-off-by: {self.name} <{self.email}>"


class Commits:
    """A growing line of commits in the repository FOLDER, on top of BASE ("": of
    nothing yet)."""

    def __init__(self, folder: Path, base: str, index: Path, person: Person):
        self.folder = folder
        self.base = self.last = base
        self.person = person
        self._index = index
        if base:
            self._git("read-tree", base)

    def add(self, contents: Mapping[str, bytes], message: str) -> str:
        """Commit the new CONTENTS of files with MESSAGE; the commit's name."""
        for path, content in sorted(contents.items()):
            blob = self._git("hash-object", "-w", "--stdin", given=content)
            mode = self._mode(path)
            self._git("update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}")
        text = message.encode(errors="surrogateescape")
        tree = self._git("write-tree")
        parents = ["-p", self.last] if self.last else []
        self.last = self._git("commit-tree", tree, *parents, given=text)
        return self.last

    def branch(self, name: str) -> None:
        """Call the commits NAME.  Raises GitTrouble when there is such a branch."""
        self._git("branch", "--", name, self.last)

    def mails(self, out: Path, options: list[str], reply_to: str = "") -> list[Path]:
        """Have git write the commits as mails to OUT, with OPTIONS for format-patch,
        in a thread that is a reply to the mail REPLY_TO; the files, in order."""
        ways = ["--stat=72", "-M", "--no-signature", *options]
        # What git makes a Message-ID of is another second each time.
        fixed = "SOURCE_DATE_EPOCH" in os.environ
        ways += ["--no-thread", "--zero-commit"] if fixed else ["--thread=shallow"]
        ways += [f"--in-reply-to={reply_to}"] if reply_to else []
        where = ["-o", str(out), f"{self.base}..{self.last}"]
        return [Path(n) for n in self._git("format-patch", *ways, *where).split("\n")]

    def _mode(self, path: str) -> str:
        shown = self._git("ls-files", "-s", "--", path)
        return shown.split(" ", 1)[0] or "100644"

    def _git(self, *arguments: str, given: bytes | None = None) -> str:
        done = subprocess.run(
            ["git", "--literal-pathspecs", "-c", "core.fsmonitor=false", *arguments],
            cwd=self.folder,
            env=self._environment(),
            input=given if given is not None else b"",
            capture_output=True,
        )
        if done.returncode:
            why = done.stderr.decode(errors="replace").strip().split("\n")[0]
            raise GitTrouble(f"{self.folder}: git {arguments[0]}: {why}")
        return done.stdout.decode(errors="surrogateescape").strip()

    def _environment(self) -> dict[str, str]:
        name, email = self.person
        who = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", name), ("EMAIL", email))
        }
        when = os.environ.get("SOURCE_DATE_EPOCH")
        if when:
            who |= {f"GIT_{r}_DATE": f"{when} +0000" for r in ("AUTHOR", "COMMITTER")}
        environment = repository.environment() | who
        return environment | {"GIT_INDEX_FILE": str(self._index)}


def is_tracked(root: Path) -> bool:
    """Whether the tree at ROOT is the work tree of a repository, with a commit; not
    one that only lies, ignored, below another one."""
    if not (root / ".git").exists():
        return False
    done = repository.git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    return done.returncode == 0


def person(root: Path) -> Person:
    """Who git says is the author of what is committed in ROOT: by its configuration
    or environment, and no guess.  Raises NoAuthor."""
    only = ("-c", "user.useConfigOnly=true")
    done = repository.git(root, *only, "var", "GIT_AUTHOR_IDENT")
    who = done.stdout.decode(errors="surrogateescape").rpartition("> ")[0]
    name, _, email = who.rpartition(" <")
    if done.returncode or not name:
        raise NoAuthor(
            "git does not know who the patches are from; set it by git config --global"
            " user.name and user.email, or list them only (DRY_RUN=1)"
        )
    return Person(name, email)


@contextmanager
def commits(root: Path, before: Mapping[str, bytes], who: Person) -> Iterator[Commits]:
    """Commits by WHO for the tree at ROOT, whose files hold BEFORE: in its repository,
    or in a new one that is gone afterwards.  Raises GitTrouble."""
    with scratch.folder() as folder:
        index = Path(folder) / "index"
        if is_tracked(root):
            yield Commits(root, "HEAD", index, who)
            return
        fresh = Path(folder) / "repository"
        subprocess.run(
            ["git", "init", "-q", str(fresh)],
            env=repository.environment(),
            check=True,
            capture_output=True,
        )
        made = Commits(fresh, "", index, who)
        made.base = made.add(before, "the tree as it was")
        yield made
