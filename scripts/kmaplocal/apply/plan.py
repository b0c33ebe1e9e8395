# SPDX-License-Identifier: GPL-2.0-only
"""What the semantic patch is to do in one file, place by place.

Only functions whose verdict is `convert` are in a plan.  A mapping becomes one
of three: a page helper, a filled structure, or kmap_local_page().
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from kmaplocal.apply.edit import Crowded, Draft, Edit
from kmaplocal.bounds import INSIDE
from kmaplocal.knowledge import api
from kmaplocal.certify.analysis import FileAnalysis
from kmaplocal.certify.rewritten import Carried
from kmaplocal.certify.certificate import CONVERT, Verdict
from kmaplocal.repairs import folios, vectors
from kmaplocal.idioms.flushes import missing_flushes
from kmaplocal.idioms.idioms import Idiom, find_idioms
from kmaplocal.repairs.repair import BasePointer, ExplicitDisable, Joined, UnmappedBy
from kmaplocal.certify.function import FunctionAnalysis
from kmaplocal.c.places import slice_of
from kmaplocal.c.syntax import Expr, Stmt
from kmaplocal.flow.trace import Site
from kmaplocal.flow.values import CURSOR


@dataclass
class Plan:
    """The edits by place ("line:column", columns from 0), the texts of new
    statements, the lines before which one comes right behind a declaration, those
    before which the first declaration of a block comes, and the functions that the
    edits convert.

    An edit says what to do (`do`), why (`message`), and has the texts that
    cocci/kmap_local.cocci asks for.  LEFT are the functions of which the edits are in
    each other's way, with where; TROUBLE is why there is no plan."""

    edits: dict[str, Edit] = field(default_factory=dict)
    statements: list[str] = field(default_factory=list)
    parted: set[int] = field(default_factory=set)
    opened: set[int] = field(default_factory=set)
    functions: list[Verdict] = field(default_factory=list)
    left: list[tuple[Verdict, str]] = field(default_factory=list)
    trouble: str = ""
    gains: dict[str, str] = field(default_factory=dict)  # parameters, by function
    declared: dict[str, str] = field(default_factory=dict)  # of those defined elsewhere
    describes: dict[int, str] = field(default_factory=dict)  # by the line it follows
    heads: dict[int, str] = field(default_factory=dict)  # lines that declare these

    def as_json(self) -> dict:
        """What kmaplocal.inline reads."""
        return {"edits": self.edits, "gains": self.gains, "declared": self.declared}

    @property
    def empty(self) -> bool:
        """Whether nothing is to be done."""
        return not (self.functions or self.declared)

    def add(self, other: Plan) -> None:
        """Add what OTHER, the plan for a function, does in it."""
        self.edits.update(other.edits)
        self.statements += other.statements
        self.parted |= other.parted
        self.opened |= other.opened
        self.functions += other.functions


def make_plan(
    file: FileAnalysis, idioms: bool = True, only: Collection[int] | None = None
) -> Plan:
    """The plan for one analysed file, or for the functions at the lines ONLY of it;
    without IDIOMS, no page helpers and no filled structures."""
    plan = Plan()
    if file.carried:
        plan.gains, plan.declared = file.carried.parameters, file.carried.declared
        plan.describes, plan.heads = file.carried.describes, file.carried.heads
    flushes = missing_flushes(file)
    for verdict in file.verdicts:
        analysis = file.analyses.get(verdict.line)
        if file.carried and verdict.line in file.carried.changes:
            _plan_carried(plan, file, verdict, file.carried)
            continue
        if verdict.verdict != CONVERT or analysis is None or not _has_old(analysis):
            continue
        if only is not None and verdict.line not in only:
            continue
        given = (file, verdict, analysis, flushes.get(analysis, ()))
        try:
            plan.add(_plan_function(*given, idioms))
        except Crowded as error:
            plan.left.append((verdict, str(error)))
            if verdict.line in file.tied or file.reading:
                plan.trouble = f"{verdict.function}: {error}"
    return plan


def _plan_function(
    file: FileAnalysis,
    verdict: Verdict,
    analysis: FunctionAnalysis,
    flushes: Iterable[tuple[Expr, str]],
    idioms: bool,
) -> Plan:
    """The plan for one function: with IDIOMS, where these leave room for the other
    edits.  Raises Crowded."""
    plan = Plan(functions=[verdict])
    try:
        plan.edits.update(_planned(plan, file, verdict, analysis, flushes, idioms))
        return plan
    except Crowded:
        if not idioms:
            raise
    return _plan_function(file, verdict, analysis, flushes, False)


def offer(file: FileAnalysis) -> Plan:
    """The plan for the helpers that mappings of FILE may be which are local already;
    no function in it maps by an old call."""
    plan = Plan()
    for verdict in file.verdicts:
        analysis = file.analyses.get(verdict.line)
        if verdict.verdict != CONVERT or analysis is None or _has_old(analysis):
            continue
        try:
            _offer(plan, file, verdict, analysis)
        except Crowded as error:
            plan.trouble = f"{verdict.function}: {error}"
    return plan


def _offer(
    plan: Plan, file: FileAnalysis, verdict: Verdict, analysis: FunctionAnalysis
) -> None:
    """Add to PLAN the helpers of one function.  Raises Crowded."""
    idioms = find_idioms(file, analysis, verdict)
    draft = Draft(file.outline.text, analysis.function)
    for idiom in idioms:
        _plan_idiom(plan, draft, idiom)
    if idioms:
        covered = set[Expr]().union(*(idiom.calls for idiom in idioms))
        mine = [c for c in verdict.certificates if c.mapping.site.call in covered]
        plan.functions.append(replace(verdict, certificates=mine))
        plan.edits.update(draft.finished())


def _has_old(analysis: FunctionAnalysis) -> bool:
    return bool(analysis.function.calls(api.OLD))


def _planned(
    plan: Plan,
    file: FileAnalysis,
    verdict: Verdict,
    analysis: FunctionAnalysis,
    flushes: Iterable[tuple[Expr, str]],
    idioms: bool,
) -> dict[str, dict[str, str]]:
    """The edits of one function.  Raises Crowded."""
    draft = Draft(file.outline.text, analysis.function)
    done: set[Expr] = set(analysis.lowmem)
    for call in analysis.lowmem:
        _plan_lowmem(draft, call)
    # What others go on with is no whole copy.
    for idiom in (
        find_idioms(file, analysis, verdict) if idioms and not analysis.holder else ()
    ):
        if not done.intersection(idiom.calls):
            _plan_idiom(plan, draft, idiom)
            done.update(idiom.calls)
    bases = verdict.repairs(BasePointer)
    kept = {site: base for site, base in bases if site.call not in done}
    for site, joined in verdict.repairs(Joined):
        if site.call in done:
            continue
        why = "kmap() and page_address() are one kmap_local_page()"
        draft.edit(site.call, "drop", why)
        if site not in kept:
            draft.edit(joined.asked, "name", why, name="kmap_local_page")
        done.add(site.call)
    for site, base in kept.items():
        _plan_base(plan, draft, file, analysis, site, base)
        done.add(site.call)
    for _, disabled in verdict.repairs(ExplicitDisable):
        _plan_disabled(plan, draft, disabled)
    addresses = {r.unmap: r.variable for _, r in verdict.repairs(UnmappedBy)}
    for site, base in kept.items():
        addresses |= dict.fromkeys(analysis.trace.unmaps_of(site.number), base.name)
    for call in analysis.function.calls(api.OLD):
        if call not in done:
            _plan_renaming(draft, file, analysis, call, addresses.get(call, ""))
    for call, page in flushes:
        if call not in done:
            why = f"flush_dcache_page({page}) is missing after this write"
            stmt = draft.places.home(call)
            draft.insert(stmt, "after", f"flush_dcache_page({page})", why)
            plan.statements.append(f"flush_dcache_page({page});")
    return draft.finished()


def _plan_carried(
    plan: Plan, file: FileAnalysis, verdict: Verdict, carried: Carried
) -> None:
    """Add to PLAN what becomes of a function that gives a page with its address."""
    change = carried.changes[verdict.line]
    draft = Draft(file.outline.text, change.function)
    why = "the address goes with the page, for kunmap_local()"
    early = {call: name for _, call, name in change.declared if call is not None}
    for edit in change.edits:
        name = early.get(edit.expr)
        how = {"do": "early", "name": name} if name else {"do": "replace"}
        draft.edit(edit.expr, message=why, first=edit.text, **how)
    for stmt in change.dropped:
        draft.edit(stmt.exprs[0], "drop", "its callers unmap the page")
    for stmt, where, text in change.beside:
        draft.insert(stmt, where, text, why)
    for stmt, call, name in change.declared:
        if call is None:
            draft.declare(stmt, name, why)
    plan.functions.append(verdict)
    try:
        plan.edits.update(draft.finished())
    except Crowded as error:
        plan.trouble = f"{verdict.function}: {error}"


def _plan_lowmem(draft: Draft, call: Expr) -> None:
    why = f"the page of {call.callee}() is of lowmem: page_address() is all it needs"
    stmt = draft.places.home(call)
    dropped = stmt.kind == "expression" and stmt.exprs == [call]
    if call.callee in api.MAPS and not dropped:
        draft.edit(call, "name", why, name="page_address")
    else:
        draft.edit(call, "drop", why)


def _plan_idiom(plan: Plan, draft: Draft, idiom: Idiom) -> None:
    why = f"{idiom.helper}() does what this mapping is for"
    for expr in idiom.dropped:
        draft.edit(expr, "unassign" if expr.kind == "assign" else "drop", why)
    for expr in idiom.forgotten:
        draft.edit(expr, "forget", why)
    draft.edit(idiom.replaced, "replace", why, first=idiom.text)
    plan.statements.append(f"{idiom.text};")
    for variable in idiom.unused:
        draft.undeclare(variable, f"{variable.name} is not used any more")


def _plan_base(
    plan: Plan,
    draft: Draft,
    file: FileAnalysis,
    analysis: FunctionAnalysis,
    site: Site,
    base: BasePointer,
) -> None:
    page = slice_of(file.outline.text, site.call.arguments[0])
    call = mapped_by_folio(analysis, site.call) or f"{site.api.new}({page})"
    why = f"{site.name}() is deprecated: {base.name} keeps what {site.api.new}() gives"
    draft.edit(base.call, "keep", why, name=base.name, first=call)
    if base.home:
        why = f"{base.name} is needed for the unmap of {call}"
    if base.after:
        draft.declare(base.after, base.name, why)
    stmt = draft.places.home(base.call)
    if base.ahead:
        plan.opened.add(base.ahead.start[0])
    if base.ahead is stmt:
        draft.open(stmt, base.name, call, why)
        return
    if base.ahead:
        draft.declare(base.ahead, base.name, why, "ahead")
    if base.home or base.shared:
        draft.insert(stmt, "before", f"{base.name} = {call}", why)


def _plan_disabled(plan: Plan, draft: Draft, repair: ExplicitDisable) -> None:
    disable, enable, place = repair.disable, repair.enable, repair.around
    if place is None:
        return
    why = f"what follows counts on a {disable}()"
    if not place.ends:
        draft.insert(place.first, "before", f"{disable}()", why)
        draft.insert(place.first, "after", f"{enable}()", why)
        return
    where, stmt = "after", place.begin
    if stmt.kind == "declaration" or _has_comment(draft.text, stmt):
        if stmt.kind == "declaration" and stmt.end[0] + 1 == place.first.start[0]:
            plan.parted.add(place.first.start[0])
        where, stmt = "before", place.first
    draft.insert(stmt, where, f"{disable}()", why)
    for end in place.ends:
        why = f"the {enable}() of the map call stands here"
        draft.insert(end, "before", f"{enable}()", why)


def _has_comment(text: str, stmt: Stmt) -> bool:
    """Whether something follows a statement on its last line."""
    line, column = stmt.end
    return bool(text.split("\n")[line - 1][column:].strip(" \t;"))


def _plan_renaming(
    draft: Draft,
    file: FileAnalysis,
    analysis: FunctionAnalysis,
    call: Expr,
    address: str,
) -> None:
    """Rename a map call, or an unmap that is to be given ADDRESS; "": what it is."""
    if call.callee in api.MAPS:
        new = api.MAPS[call.callee].new
        why = f"{call.callee}() is deprecated: {new}()"
        folio, vector = mapped_by_folio(analysis, call), mapped_by_vector(
            analysis, call
        )
        if folio or vector:
            why = f"{call.callee}() is deprecated: {folio or vector}"
            how = "replace" if folio else "sum"
            draft.edit(call, how, why, first=folio or vector)
        else:
            draft.edit(call, "name", why, name=new)
        return
    address = address or unmap_address(analysis, call)
    given = analysis.trace.given(call)
    if not address and given is not call:
        address = slice_of(file.outline.text, given.arguments[0])
    shown = address or (call.arguments[0].text if call.arguments else "")
    why = f"{call.callee}() is deprecated: kunmap_local({shown})"
    if address:
        draft.edit(call, "replace", why, first=f"kunmap_local({address})")
    else:
        draft.edit(call, "name", why, name="kunmap_local")


def mapped_by_folio(analysis: FunctionAnalysis, call: Expr) -> str:
    """What a map CALL of a folio's page becomes; "" for another page, and where there
    is no call for folios."""
    if not _can_be(analysis, call, folios.MAP):
        return ""
    return folios.mapped(call.arguments.get(0), analysis.function)


def mapped_by_vector(analysis: FunctionAnalysis, call: Expr) -> str:
    """What the map CALL of a bio_vec's page becomes, with the offset that is added to
    it; "" for another one, for a bio_vec that may be of several pages, and where there
    is no such call."""
    text = vectors.mapped(call, analysis.function)
    if not text or not _can_be(analysis, call, vectors.MAP):
        return ""
    added = vectors.added_to(call)
    assert added is not None, "what is mapped so is a part of a sum"
    fits = analysis.bounds().fits([(added.children[1], 1, 1)], 1, call)
    return text if fits.answer == INSIDE else ""


def _can_be(analysis: FunctionAnalysis, call: Expr, new: str) -> bool:
    """Whether the kernel at hand has the map call NEW for what CALL maps."""
    known = analysis.knowledge.helpers
    there = known is None or new in known
    return there and api.MAPS[call.callee].new == "kmap_local_page"


def unmap_address(analysis: FunctionAnalysis, call: Expr) -> str:
    """The variable an unmap is to be given; "" when its argument will do.  Raises
    Crowded where a mapping can be nothing but the helper that is not to be used."""
    trace = analysis.trace
    sites = trace.ended(call)
    moved = trace.moved(call)
    if trace.given(call).callee != "kunmap" and (moved is None or moved.moved < CURSOR):
        return ""
    preferred = {site.variable for site in sites}
    held = analysis.pages.addresses(call)
    if not held:
        once = (analysis.pages.moved_once(site, call) for site in sites)
        address = next(filter(None, once), "")
        if not address:
            raise Crowded(f"line {call.start[0]} has no address to unmap")
        return address
    return min(held, key=lambda name: (name not in preferred, name))
