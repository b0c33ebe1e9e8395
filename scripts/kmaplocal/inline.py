# SPDX-License-Identifier: GPL-2.0-only
"""What the semantic patches ask from inside spatch: the plan for a place, and
the findings at it.

The driver hands its plan over in a file that KMAPLOCAL_PLAN names.  Under
plain spatch and the kernel's coccicheck there is none, and the plan is made
here, by the same analysis, in a process of its own: spatch may bring another
Python than the driver's.  Standard library only, for the same reason.
Findings are always made so.
"""

import json
import os
import subprocess

_PACKAGES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_plans: dict[str, dict] = {}
_findings: dict[str, dict] = {}
_told: set[tuple[str, str, str]] = set()


class PlanFailed(Exception):
    """The analysis of a file failed; says why."""


def _load(file: str) -> dict:
    handed = os.environ.get("KMAPLOCAL_PLAN")
    if handed:
        with open(handed, encoding="utf-8") as stream:
            return json.load(stream)
    return _ask("plan", file)


def _ask(what: str, file: str) -> dict:
    settings = {**os.environ, "PYTHONPATH": _PACKAGES}
    command = ["/usr/bin/python3", "-m", "kmaplocal", what, file]
    done = subprocess.run(command, env=settings, capture_output=True, text=True)
    if done.returncode not in (0, 2):
        raise PlanFailed(f"{file}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def _of(rule: str, positions) -> dict | None:
    place = positions[0]
    if place.file not in _plans:
        _plans[place.file] = _load(place.file)
    actions = _plans[place.file]["actions"].get(rule, {})
    return actions.get(f"{place.line}:{place.column}")


def has(rule: str, positions, **wanted) -> bool:
    """Whether the plan has RULE do something at the place, and with the WANTED
    values."""
    action = _of(rule, positions)
    return action is not None and all(action.get(k) == v for k, v in wanted.items())


def get(rule: str, positions, key: str) -> str:
    """The value KEY of what RULE is to do at the place."""
    return _of(rule, positions)[key]


def message(rule: str, positions) -> str:
    """What to tell a person about the place."""
    action = _of(rule, positions)
    return f"{rule}: {action['message']}"


def _finding(rule: str, positions) -> dict | None:
    place = positions[0]
    if place.file not in _findings:
        _findings[place.file] = _ask("findings", place.file)["places"]
    at = _findings[place.file].get(f"{place.line}:{place.column}", {})
    return at.get(rule)


def found(rule: str, positions) -> bool:
    """Whether there is a finding of RULE at the place."""
    return _finding(rule, positions) is not None


def fix(rule: str, positions) -> str:
    """What is to become of the place of a finding; "" for nothing."""
    finding = _finding(rule, positions)
    return finding["fix"] if finding else ""


def tell(rule: str, positions) -> list[str]:
    """What to tell a person about a finding: once, however many expressions
    begin at its place."""
    place = positions[0]
    key = (rule, place.file, f"{place.line}:{place.column}")
    if key in _told:
        return []
    _told.add(key)
    return [f"{rule}: {_finding(rule, positions)['message']}"]
