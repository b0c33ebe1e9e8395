# SPDX-License-Identifier: GPL-2.0-only
"""What the semantic patches ask from inside spatch: the edits that are planned for
a place, and the findings at it.

The driver hands its plan, or its findings, over in a file that KMAPLOCAL_PLAN names.
Under plain spatch and the kernel's coccicheck there is none, and the same analysis is
asked in a process of its own, one for all files of a run: spatch may bring another
Python than the driver's.  Standard library only, for the same reason.
"""

import json
import os
import subprocess
import sys

_PACKAGES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_ADDED = "before "  # as findings/finding.py has it
_plans: dict[str, dict[str, dict[str, str]]] = {}
_findings: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
_gains: dict[str, dict[str, str]] = {}
_plans_declared: dict[str, dict[str, str]] = {}  # by "", of the one file there is
_told: set[tuple[str, str, str]] = set()
_seen: dict[str, set[str]] = {}
_marked: dict[str, set] = {}
_helpers: list[subprocess.Popen] = []
rule = ""  # those to look for, if not all; commas between
oldest = ""  # the oldest kernel the code is for, as 5.15
source = ""  # the kernel in which what a module calls is looked up
ignore = ""  # those not to look for
idioms = False  # whether only helpers for what is local already are asked for


def _load(what: str, file: str) -> dict:
    handed = os.environ.get("KMAPLOCAL_PLAN")
    if handed:
        with open(handed, encoding="utf-8") as stream:
            return json.load(stream)
    return _ask(what, file)


def _ask(what: str, file: str) -> dict:
    if not _helpers:
        _helpers.append(_started())
    helper = _helpers[0]
    asked = {"what": what, "file": file, "rule": rule, "ignore": ignore}
    asked |= {"oldest": oldest, "source": source, "idioms": "1" if idioms else ""}
    question = json.dumps(asked)
    try:
        print(question, file=helper.stdin, flush=True)
        answer = helper.stdout.readline() if helper.stdout else ""
    except BrokenPipeError:
        answer = ""
    if not answer:
        sys.exit(helper.wait())  # it has said why
    return json.loads(answer)


def _started() -> subprocess.Popen:
    return subprocess.Popen(
        ["/usr/bin/python3", "-m", "kmaplocal", "answer"],
        env={**os.environ, "PYTHONPATH": _PACKAGES},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def declared(function: str) -> str:
    """The parameter that FUNCTION gets, which the file at hand declares and another one
    defines; "" for none."""
    return _declared().get(function, "")


def _declared() -> dict[str, str]:
    """What the driver says of the one file that it hands over; alone, a file knows of
    no other."""
    if os.environ.get("KMAPLOCAL_PLAN") and "" not in _plans_declared:
        _plans_declared[""] = _load("plan", "")["declared"]
    return _plans_declared.get("", {})


def gained(function: str) -> str:
    """The parameter that FUNCTION gets, as it is declared, where all edits of its file
    can be made; "" for none."""
    files = [file for file, gains in _gains.items() if function in gains]
    if not files or any(map(_unseen, files)):
        return ""
    return _gains[files[0]][function]


def _edit(positions) -> dict[str, str]:
    place = positions[0]
    if place.file not in _plans:
        plan = _load("plan", place.file)
        _plans[place.file], _gains[place.file] = plan["edits"], plan["gains"]
    return _plans[place.file].get(f"{place.line}:{place.column}", {})


def does(positions, *kinds: str) -> bool:
    """Whether the plan has an edit of one of KINDS at the place."""
    return _edit(positions).get("do") in kinds


def statements(positions) -> int:
    """How many statements the one at the place becomes; 0 where it stays one."""
    edit = _edit(positions)
    if edit.get("do") != "statements":
        return 0
    return sum(key in edit for key in ("first", "second", "third"))


def seen(positions) -> None:
    """Record that the edit at the place can be made."""
    place = positions[0]
    _seen.setdefault(place.file, set()).add(f"{place.line}:{place.column}")


def all_seen(positions) -> bool:
    """Whether every edit of the file can be made."""
    return not _unseen(positions[0].file)


def tell_unseen() -> None:
    """Say which files keep their edits, as one of them matched no pattern."""
    for file in _plans:
        for place in sorted(_unseen(file))[:1]:
            print(
                f"kmaplocal: {file}:{place}: not applied: not matched", file=sys.stderr
            )


def _unseen(file: str) -> set[str]:
    return _plans[file].keys() - _seen.get(file, set())


def text(positions, key: str) -> str:
    """The text KEY of the edit at the place; one that is not used for others."""
    return _edit(positions).get(key, "unused")


def message(positions) -> str:
    """What to tell a person about the edit at the place."""
    return f"kmap_local: {_edit(positions)['message']}"


def _found(positions) -> dict[str, dict[str, str]]:
    """The findings at a place, by rule."""
    place = positions[0]
    if place.file not in _findings:
        _findings[place.file] = _load("findings", place.file)["places"]
    return _findings[place.file].get(f"{place.line}:{place.column}", {})


def found(positions) -> bool:
    """Whether there is a finding at the place."""
    return any(finding["message"] for finding in _found(positions).values())


def marked(positions) -> bool:
    """Whether there is a finding at the place, and none around or in it that is
    marked: spatch marks no token twice."""
    if not found(positions):
        return False
    at = positions[0]
    start, end = (int(at.line), int(at.column)), (int(at.line_end), int(at.column_end))
    others = _marked.setdefault(at.file, set())
    if any(start < last and first < end for first, last in others - {(start, end)}):
        return False
    others.add((start, end))
    return True


def fix(positions) -> str:
    """What is to become of the place of a finding; "" for nothing."""
    fixes = (finding["fix"] for finding in _found(positions).values())
    return next(filter(None, fixes), "")


def adds(positions) -> str:
    """What is to be called before the place of a finding; "" for nothing."""
    text = fix(positions)
    return text[len(_ADDED) :] if text.startswith(_ADDED) else ""


def replaces(positions) -> bool:
    """Whether the place of a finding is to become something else."""
    return fix(positions) not in ("", "remove") and not adds(positions)


def tell(positions) -> list[str]:
    """What to tell a person about the findings at a place: once, however many
    expressions begin there."""
    place = positions[0]
    key = (place.file, place.line, place.column)
    if key in _told:
        return []
    _told.add(key)
    found = _found(positions).items()
    return [f"{name}: {said['message']}" for name, said in found if said["message"]]
