# SPDX-License-Identifier: GPL-2.0-only
"""What the semantic patches ask from inside spatch: the plan for a place.

The driver hands its plan over in a file that KMAPLOCAL_PLAN names.  Under
plain spatch and the kernel's coccicheck there is none, and the plan is made
here, by the same analysis, in a process of its own: spatch may bring another
Python than the driver's.  Standard library only, for the same reason.
"""

import json
import os
import subprocess

_PACKAGES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_plans: dict[str, dict] = {}


class PlanFailed(Exception):
    """The analysis of a file failed; says why."""


def _load(file: str) -> dict:
    handed = os.environ.get("KMAPLOCAL_PLAN")
    if handed:
        with open(handed, encoding="utf-8") as stream:
            return json.load(stream)
    settings = {**os.environ, "PYTHONPATH": _PACKAGES}
    command = ["/usr/bin/python3", "-m", "kmaplocal", "plan", file]
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
