# SPDX-License-Identifier: GPL-2.0-only
"""The rules there are: each module of rules/ that is called as a rule, kmap_leak.py as
kmap-leak.

It has RULE, which says what the rule is, and `find(context)`, which yields the findings
in a function, or `find_in_file(file, applied)`, those in a file. With CALLS it names
further functions: what calls one of these is looked at, too; with WORDS what else may
be named in a function that is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

from kmaplocal.findings import rules
from kmaplocal.findings.finding import Finding, Rule
from kmaplocal.findings.context import CheckContext
from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.knowledge import api

PAGES = Path(rules.__file__).parent


def _modules() -> list[ModuleType]:
    names = sorted(path.stem for path in PAGES.glob("kmap_*.py"))
    return [import_module(f"{rules.__name__}.{name}") for name in names]


_MODULES = _modules()

RULES: dict[str, Rule] = {module.RULE.id: module.RULE for module in _MODULES}

# The functions that call one of these are looked at.
CALLS = (
    *api.ALL,
    *dict.fromkeys(name for m in _MODULES for name in getattr(m, "CALLS", ())),
)

# The functions that name one of these are, too.
WORDS = tuple(dict.fromkeys(name for m in _MODULES for name in getattr(m, "WORDS", ())))

FOLDS: list[tuple[Rule, Callable[[CheckContext], Iterator[Finding]]]] = [
    (module.RULE, module.find) for module in _MODULES if hasattr(module, "find")
]

_OF_FILES = [m.find_in_file for m in _MODULES if hasattr(m, "find_in_file")]


def in_file(file: FileAnalysis, applied: FileAnalysis | None) -> Iterator[Finding]:
    """The findings of the rules that look at a FILE as a whole; APPLIED: as apply sees
    it, None where that is not known."""
    for find in _OF_FILES:
        yield from find(file, applied)
