# SPDX-License-Identifier: GPL-2.0-only
"""What each semantic patch is to do, place by place, in one file.

Only functions whose verdict is `convert` are in a plan.  A mapping becomes one
of three: a page helper, a filled structure, or kmap_local_page().
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from kmaplocal.read import api
from kmaplocal.judge.analysis import FileAnalysis
from kmaplocal.judge.certificate import CONVERT, Verdict
from kmaplocal.convert.flushes import missing_flushes, slice_of
from kmaplocal.convert.idioms import Idiom, find_idioms
from kmaplocal.judge.explicit import Around
from kmaplocal.judge.obligations import DISABLE, Judge
from kmaplocal.read.syntax import Expr, Stmt
from kmaplocal.judge.saved import Saved
from kmaplocal.judge.trace import CURSOR, Site

RULES = (
    "kmap_atomic",
    "kmap",
    "page_address",
    "saved_address",
    "new_variable",
    "explicit_disable",
    "page_helper",
    "struct_fill",
    "dcache_flush",
    "unused_variable",
)


@dataclass
class Plan:
    """Actions by rule and place ("line:column" of the call or expression), the
    texts of new statements, the lines before which one comes right behind a
    declaration, and the functions they convert."""

    actions: dict[str, dict[str, dict[str, str]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    statements: list[str] = field(default_factory=list)
    parted: set[int] = field(default_factory=set)
    functions: list[Verdict] = field(default_factory=list)

    def add(self, rule: str, expr_or_point, message: str, **what: str) -> None:
        """Have RULE do WHAT at a place."""
        point = getattr(expr_or_point, "start", expr_or_point)
        self.actions[rule][f"{point[0]}:{point[1]}"] = {"message": message, **what}

    def as_json(self) -> dict:
        """What kmaplocal.inline reads."""
        return {"actions": self.actions}


def make_plan(file: FileAnalysis) -> Plan:
    """The plan for one analysed file."""
    plan = Plan()
    flushes = missing_flushes(file)
    for verdict in file.verdicts:
        judge = file.judges.get(verdict.line)
        if verdict.verdict != CONVERT or judge is None or not _has_old(judge):
            continue
        plan.functions.append(verdict)
        _plan_function(plan, file, judge, flushes)
    return plan


def _has_old(judge: Judge) -> bool:
    return bool(judge.function.calls(api.OLD))


def _plan_function(plan: Plan, file: FileAnalysis, judge: Judge, flushes) -> None:
    idioms = find_idioms(file, judge)
    done: set[Expr] = set()
    for idiom in idioms:
        _plan_idiom(plan, idiom)
        done.update(idiom.calls)
    for site in judge.trace.sites:
        asked = judge.pages.joined(site)
        if asked is not None and site.call not in done:
            why = "kmap() and page_address() are one kmap_local_page()"
            plan.add("page_address", site.call, why, what="drop")
            plan.add("page_address", asked, why, what="map")
            done.add(site.call)
    for number, saved in judge.pages.saved.items():
        site = judge.trace.sites[number]
        if site.call not in done:
            _plan_saved(plan, file, site, saved)
            done.add(site.call)
    for name in DISABLE:
        for place in filter(None, judge.explicit(name).values()):
            _plan_explicit(plan, file, place, *DISABLE[name])
    for call in judge.function.calls(api.OLD):
        if call not in done:
            _plan_renaming(plan, file, judge, call)
    for call, page in flushes.get(judge, ()):
        if call not in done:
            why = f"flush_dcache_page({page}) is missing after this write"
            plan.add("dcache_flush", call, why, page=page)
            plan.statements.append(f"flush_dcache_page({page});")


def _plan_idiom(plan: Plan, idiom: Idiom) -> None:
    why = f"{idiom.helper}() does what this mapping is for"
    for expr in idiom.dropped:
        plan.add(idiom.rule, expr, why, what="drop", new="")
    for expr in idiom.forgotten:
        plan.add(idiom.rule, expr, why, what="forget", new="")
    plan.add(idiom.rule, idiom.replaced, why, what="call", new=idiom.text)
    plan.statements.append(f"{idiom.text};")
    for variable in idiom.unused:
        why = f"{variable.name} is not used any more"
        plan.add("unused_variable", variable.at, why)


def _plan_saved(plan: Plan, file: FileAnalysis, site: Site, saved: Saved) -> None:
    page = slice_of(file.outline.text, site.call.arguments[0])
    call = f"{site.api.new}({page})"
    why = f"{site.name}() is deprecated: {saved.name} keeps what {site.api.new}() gives"
    plan.add("saved_address", site.call, why, saved=saved.name, call=call)
    if saved.after:
        why = f"{saved.name} is needed for the unmap of {call}"
        plan.add("new_variable", saved.after, why, name=saved.name)


def _plan_explicit(
    plan: Plan, file: FileAnalysis, place: Around, disable: str, enable: str
) -> None:
    why = f"what follows counts on a {disable}()"
    where, stmt = "after", place.begin
    if stmt.kind == "declaration" or _has_comment(file.outline.text, stmt):
        if stmt.kind == "declaration" and stmt.end[0] + 1 == place.first.start[0]:
            plan.parted.add(place.first.start[0])
        where, stmt = "before", place.first
    plan.add("explicit_disable", stmt, why, call=f"{disable}()", where=where)
    for end in place.ends:
        why = f"the {enable}() of the map call stands here"
        plan.add("explicit_disable", end, why, call=f"{enable}()", where="before")


def _has_comment(text: str, stmt: Stmt) -> bool:
    """Whether something follows a statement on its last line."""
    line, column = stmt.end
    return bool(text.split("\n")[line - 1][column:].strip(" \t;"))


def _plan_renaming(plan: Plan, file: FileAnalysis, judge: Judge, call: Expr) -> None:
    rule = "kmap" if call.callee in ("kmap", "kunmap") else "kmap_atomic"
    if call.callee in api.MAPS:
        new = api.MAPS[call.callee].new
        plan.add(rule, call, f"{call.callee}() is deprecated: {new}()", address="")
        return
    address = unmap_address(judge, call)
    given = judge.trace.given(call)
    if not address and given is not call:
        address = slice_of(file.outline.text, given.arguments[0])
    shown = address or (call.arguments[0].text if call.arguments else "")
    why = f"{call.callee}() is deprecated: kunmap_local({shown})"
    plan.add(rule, call, why, address=address)


def unmap_address(judge: Judge, call: Expr) -> str:
    """The variable an unmap is to be given; "" when its argument will do."""
    trace = judge.trace
    for number, _ in trace.unmaps[call]:
        if number in judge.pages.saved:
            return judge.pages.saved[number].name
    stale = judge.pages.stale(call)
    if stale:
        return stale
    moved = trace.moved.get(call)
    if trace.given(call).callee != "kunmap" and (moved is None or moved.moved < CURSOR):
        return ""
    sites = {number for number, _ in trace.unmaps[call]}
    preferred = {trace.sites[n].variable for n in sites if n is not None and n >= 0}
    held = judge.pages.addresses(call)
    if not held:
        sites = [trace.sites[n] for n in sites if n is not None and n >= 0]
        return next(filter(None, (judge.pages.moved_once(s, call) for s in sites)))
    return min(held, key=lambda name: (name not in preferred, name))
