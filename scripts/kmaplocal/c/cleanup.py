# SPDX-License-Identifier: GPL-2.0-only
"""Variables that are cleaned up where their scope ends: `void *p __free(name)`.

What cleans one up is read from DEFINE_FREE(name, type, body) of the same file; where
that is elsewhere, the name is that of the function, as it mostly is.
Source: include/linux/cleanup.h of Linux 6.12.
"""

from __future__ import annotations

from kmaplocal.c.outline import Outline, Span
from kmaplocal.c.syntax import KEYWORDS, Expr, Function, Variable
from kmaplocal.knowledge import api

DEFINES, _CLEANS, _VALUE = "DEFINE_FREE", "__free", "_T"


def note(function: Function, outline: Outline) -> None:
    """Note in FUNCTION, of the file of OUTLINE, which of its variables are cleaned up,
    as calls that stand where the variable is declared."""
    if _CLEANS not in outline.text:  # in nearly all files
        return
    span = next((s for s in outline.functions if s.line == function.line), None)
    if span is None or function.cleanups:
        return
    for name, cleaner in _cleaned(outline, span):
        callee = _callee(outline, cleaner)
        variable = function.variables.get(name)
        if callee and variable is not None:
            call = _call(callee, variable)
            function.cleanups[name] = call
            function.exprs.append(call)


def _cleaned(outline: Outline, span: Span) -> list[tuple[str, str]]:
    """The variables of a function that are cleaned up, and by what."""
    code = [t.text for t in outline.between(span.line, span.end)]
    return [
        (code[at - 1], code[at + 2])
        for at in range(1, len(code) - 2)
        if code[at] == _CLEANS and code[at + 1] == "("
    ]


def _callee(outline: Outline, cleaner: str) -> str:
    """The function that CLEANER gives the variable to; "" where it is not known."""
    code = [token.text for token in outline.code]
    for at, word in enumerate(code):
        if word == DEFINES and code[at + 2 : at + 3] == [cleaner]:
            called = zip(code[at + 5 :], code[at + 6 :], code[at + 7 :])
            given = (w for w, bracket, v in called if (bracket, v) == ("(", _VALUE))
            return next((word for word in given if word not in KEYWORDS), "")
    return cleaner if cleaner in api.UNMAPS else ""


def _call(callee: str, variable: Variable) -> Expr:
    """`callee(variable)`, as if it stood where VARIABLE is declared."""
    line, column = variable.at
    end = (line, column + len(variable.name))
    called = Expr(end, end, callee, kind="identifier")
    given = Expr(variable.at, end, variable.name, kind="identifier")
    text = f"{callee} ( {variable.name} )"
    call = Expr(variable.at, end, text, [called, given], kind="call")
    call.arguments = {0: given}
    called.parent = given.parent = call
    return call
