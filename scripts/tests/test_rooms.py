# SPDX-License-Identifier: GPL-2.0-only
"""The rooms of the package: which may import which.

A room imports those below it.  The order stands here, and nowhere else.
"""

import ast
import functools
from pathlib import Path

import pytest

import kmaplocal

PACKAGE = Path(kmaplocal.__file__).parent
# From the bottom; those of one line do not know each other.
FLOORS = """
knowledge
c
tree
cache
flow
bounds
summaries
repairs
certify
idioms
steps apply
findings
prove history
series
report
cost
commands
"""
FLOOR = {r: n for n, rooms in enumerate(FLOORS.split("\n")) for r in rooms.split()}


def room(module):
    """The room of a module, "" for one at the top of the package."""
    first, *rest = module.split(".")
    return first if rest or (PACKAGE / first).is_dir() else ""


def imported(path):
    """The modules of the package that a file imports, as "flow.trace"."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "kmaplocal"
        ):
            module = node.module.removeprefix("kmaplocal").removeprefix(".")
            yield from [module] if module else [alias.name for alias in node.names]


@functools.cache
def arrows():
    """Every import of one room in another: the two, and the module that imports."""
    return {
        (room(name), room(other), name)
        for path in sorted(PACKAGE.rglob("*.py"))
        for name in [".".join(path.relative_to(PACKAGE).with_suffix("").parts)]
        for other in imported(path)
        if room(name) and room(other)
    }


def test_every_room_has_its_floor():
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms == set(FLOOR)


@pytest.mark.parametrize("below", FLOOR)
def test_no_room_imports_one_above(below):
    own = {(above, name) for home, above, name in arrows() if home == below != above}
    assert {(a, name) for a, name in own if FLOOR[a] >= FLOOR[below]} == set()


def test_arrows_are_seen():
    assert ("findings", "flow") in {(b, a) for b, a, _ in arrows()}
