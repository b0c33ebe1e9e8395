# SPDX-License-Identifier: GPL-2.0-only
"""Identity: is the code the same, once all mapping calls are one primitive?

A file is compiled to assembly before and after, with shadow/identity's header.
Functions that are the same have changed in their mapping calls only.  Of the
others it is tried whether they are the same when unmapping leaves no trace, which
is enough where the unmaps are certified, or when kmap_atomic() is spelt out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from kmaplocal.knowledge import functions
from kmaplocal.prove import assembly, complaints, record, unmaps
from kmaplocal.prove.assembly import Assembly, Difference
from kmaplocal.prove.bench import AFTER, SIDES, Bench, Function, Result
from kmaplocal.prove.complaints import Complaint
from kmaplocal.prove.kbuild import X86_64
from kmaplocal.repairs.base_pointer import NAMES

_SHADOW = Path(__file__).with_name("shadow") / "identity"

# No function is to show in another: not inlined, cloned, nor known by its callers.
_APART = (
    "no-inline-functions no-inline-functions-called-once no-inline-small-functions"
    " no-partial-inlining no-ipa-cp no-ipa-icf no-ipa-modref no-ipa-pure-const"
    " no-ipa-ra no-ipa-reference no-ipa-sra"
)
# Instrumentation is no part of the code.
_PLAIN = {
    name: "n"
    for name in (
        "KASAN_SANITIZE",
        "KCSAN_SANITIZE",
        "UBSAN_SANITIZE",
        "KCOV_INSTRUMENT",
        "GCOV_PROFILE",
    )
}

# What SYSCALL_DEFINEn() makes of a system call's name, for the code in it.
_SYSTEM_CALLS = ("__do_sys_", "__se_sys_", "__do_compat_sys_", "__se_compat_sys_")


@dataclass(frozen=True)
class Flavour:
    """A way to define the primitive, and what it means to be the same in it."""

    unmaps: int
    atomic: int
    meaning: str
    address: int = 0
    # Tried where a change adds or drops one of these words.
    words: frozenset[str] = frozenset()

    def settings(self) -> dict[str, str]:
        """The settings for make."""
        defines = f"-DKMAPLOCAL_UNMAPS={self.unmaps} -DKMAPLOCAL_ATOMIC={self.atomic}"
        defines += f" -DKMAPLOCAL_ADDRESS={self.address}"
        flags = " ".join(f"-f{flag}" for flag in _APART.split())
        return {
            **_PLAIN,
            "KCFLAGS": f"-g0 {flags}",
            "NOSTDINC_FLAGS": f"-nostdinc {defines} -I{_SHADOW}",
        }


STRICT = Flavour(1, 0, "the same")
LOOSE = Flavour(0, 0, "the same but for its unmaps")
# Page faults or preemption disabled by name: around the mapping, or within it.
EXPLICIT = tuple(
    Flavour(1, atomic, f"the same with kmap_atomic()'s {what} spelt out", words=words)
    for what, words, atomics in (
        ("pagefault_disable()", frozenset({"pagefault_disable"}), (1, 5)),
        ("preempt_disable()", frozenset({"preempt_disable"}), (2, 6)),
        ("preempt_ and pagefault_disable()", frozenset({"preempt_disable"}), (3, 7)),
    )
    for atomic in atomics
)
ADDRESS = Flavour(
    0,
    0,
    "the same but for its unmaps, with the mapping's address for page_address()",
    address=1,
    words=frozenset({"page_address"}),
)


@dataclass
class Verdict:
    """A function whose code is not the same: the DIFFERENCE, WORDS that explain it,
    and whether it PASSES for them; LOOSE: it does so only if its unmaps are right,
    which no compiler tells."""

    difference: Difference
    words: str
    passes: bool
    loose: bool = False


@dataclass
class _Object:
    """What was found for one object."""

    sides: dict[str, Assembly] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)


class Identity:
    """Compares all objects of a bench."""

    def __init__(self, bench: Bench, timeout: float, jobs: int | None = None):
        """TIMEOUT and JOBS: for spatch, where unmaps are to be certified."""
        self._bench, self._timeout, self._jobs = bench, timeout, jobs
        self._objects = {stem: _Object() for stem in bench.stems()}
        self._errors: dict[str, Complaint] = {}

    def run(self, side: str, made: Callable[[], None]) -> None:
        """Compile what the bench shows of SIDE. Raises CannotBuild; OSError."""
        found = self._compile(STRICT, list(self._objects), made)
        for stem, code in found.items():
            self._objects[stem].sides[side] = code

    def results(self, made: Callable[[], None]) -> list[Result]:
        """What there is to say of each file, when both sides have been run. What is
        not the same is compiled in other flavours first. Raises SpatchMissing,
        TagsError, OSError."""
        self._compare(made)
        found = list(self._bench.uncompiled(record.IDENTITY))
        for path, objects in self._bench.objects.items():
            if objects.stems:
                found.append(self._result(path))
        return found

    # -- compiling and comparing --------------------------------------------

    def _compare(self, made: Callable[[], None]) -> None:
        for found in self._objects.values():
            if len(found.sides) == len(SIDES):
                before, after = (found.sides[side] for side in SIDES)
                for difference in assembly.compare(before, after):
                    verdict = Verdict(difference, "not the same code", False)
                    found.verdicts[difference.name] = verdict
        for flavour in (LOOSE, *EXPLICIT, ADDRESS):
            self._try(flavour, made)
        for path in self._bench.objects:
            self._excuse_helpers(path)
            self._explain_variables(path)
        self._certify()

    def _compile(
        self, flavour: Flavour, stems: list[str], made: Callable[[], None]
    ) -> dict[str, Assembly]:
        bench, found = self._bench, {}
        said = bench.make(X86_64, ".s", flavour.settings(), stems, made)
        for complaint in complaints.read(said, bench.farm.folder):
            if complaint.kind == complaints.ERROR:
                self._errors.setdefault(complaint.source, complaint)
        for stem in stems:
            product = bench.product(X86_64, f"{stem}.s")
            if product.exists():
                found[stem] = assembly.read(product.read_text(errors="replace"))
        return found

    def _try(self, flavour: Flavour, made: Callable[[], None]) -> None:
        """See which of the functions that differ are the same in FLAVOUR."""
        stems = [s for s, found in self._objects.items() if self._open(found)]
        if flavour.words:
            stems = [stem for stem in stems if self._concerns(flavour, stem)]
        if not stems:
            return
        sides = {}
        for side in SIDES:
            self._bench.show(side)
            sides[side] = self._compile(flavour, stems, made)
        for stem in stems:
            if all(stem in sides[side] for side in SIDES):
                code = [sides[side][stem] for side in SIDES]
                differ = {d.name for d in assembly.compare(*code)}
                for verdict in self._open(self._objects[stem]):
                    same = verdict.difference.name not in differ
                    if same and (flavour.unmaps or not verdict.loose):
                        verdict.words = flavour.meaning
                        verdict.loose = not flavour.unmaps
                        verdict.passes = not verdict.loose

    def _certify(self) -> None:
        """Let those functions pass that differ by their unmaps alone, if these are
        certain to be right.  One that holds no change passes: gcc has chosen other
        registers for it."""
        bench, own = self._bench, []
        for verdict in self._loose():
            verdict.passes = True
            own += [
                (verdict, path, function)
                for path in bench.objects
                for function in bench.changed(path)
                if _comes_from(verdict.difference.name, function)
            ]
        wanted: unmaps.Wanted = {}
        for _, path, function in own:
            wanted.setdefault(path, set()).add(function)
        if not wanted:
            return
        doubts = unmaps.uncertain(bench, wanted, self._timeout, self._jobs)
        for verdict, path, function in own:
            if why := doubts.get((path, function)):
                verdict.words, verdict.passes = f"{verdict.words}; {why}", False

    def _loose(self) -> list[Verdict]:
        """The verdicts that depend on whether the unmaps are right."""
        every = (v for found in self._objects.values() for v in found.verdicts.values())
        return [verdict for verdict in every if verdict.loose]

    def _open(self, found: _Object) -> list[Verdict]:
        return [verdict for verdict in found.verdicts.values() if not verdict.passes]

    def _concerns(self, flavour: Flavour, stem: str) -> bool:
        """Whether a change in STEM adds or drops what FLAVOUR is about."""
        bench = self._bench
        return any(
            (bench.gained_words(path) | bench.lost_words(path)) & flavour.words
            for path, objects in bench.objects.items()
            if stem in objects.stems
        )

    def _excuse_helpers(self, path: Path) -> None:
        """A helper for several statements may give other code: show, do not fail,
        unless the unmaps beside it are wrong."""
        for function in self._bench.changed(path):
            helpers = sorted(
                functions.HELPERS & self._bench.gained_words(path, function)
            )
            if not helpers:
                continue
            words = f"other code: {helpers[0]}() replaces statements"
            for stem in self._bench.objects[path].stems:
                for verdict in self._open(self._objects[stem]):
                    if _source_name(verdict.difference.name) == function.name:
                        verdict.words, verdict.loose = words, True

    def _explain_variables(self, path: Path) -> None:
        """A variable for the address takes a register, or a place on the stack: say so
        of a function that has one more, and is not the same for no better reason."""
        for function in self._bench.changed(path):
            gained = self._bench.gained_words(path, function)
            for name in [name for name in NAMES if name in gained][:1]:
                for stem in self._bench.objects[path].stems:
                    for verdict in self._open(self._objects[stem]):
                        own = _source_name(verdict.difference.name) == function.name
                        if own and not verdict.loose:
                            verdict.words = (
                                f"not the same code: {name} keeps the address"
                            )

    # -- telling --------------------------------------------------------------

    def _result(self, path: Path) -> Result:
        stems = self._bench.objects[path].stems
        objects = [self._objects[stem] for stem in stems]
        done = [found for found in objects if len(found.sides) == len(SIDES)]
        if not done:
            return self._unchecked(path, self._failure(stems))
        total = sum(len(found.sides[AFTER].functions) for found in done)
        verdicts = [v for found in done for v in self._mine(path, found)]
        broken = [v for v in verdicts if not v.passes]
        outcome = record.FAILED if broken else record.PASSED
        remarks = [self._remark(path, verdict) for verdict in verdicts]
        unseen = self._unseen(path, done)
        remarks += [self._unseen_remark(path, function) for function in unseen]
        if not broken and unseen and len(unseen) == len(self._bench.changed(path)):
            return Result(path, record.IDENTITY, record.UNCHECKED, "-", "", remarks)
        if verdicts:
            remarks.append(
                f"{path}: identity: both are in {self._write(path, verdicts)}"
            )
        names = [verdict.difference.name for verdict in verdicts]
        detail = f"all but {', '.join(names)}" if names else ""
        words = f"{total - len(names)} of {total}"
        return Result(path, record.IDENTITY, outcome, words, detail, remarks)

    def _failure(self, stems: Iterable[str]) -> str:
        """Why none of STEMS was compiled: its first error."""
        why = "does not compile with the shadow header"
        for stem in stems:
            if error := self._errors.get(f"{stem}.c"):
                place = self._bench.place(error.file, error.line)
                return f"{why}: {place}: {error.text}"
        return why

    def _unchecked(self, path: Path, why: str) -> Result:
        remark = f"{path}: {record.IDENTITY}: not done: {why}"
        return Result(path, record.IDENTITY, record.UNCHECKED, "-", why, [remark])

    def _mine(self, path: Path, found: _Object) -> list[Verdict]:
        """The verdicts that PATH is to blame for: all, unless another changed file
        in the same object has the function."""
        others = {
            function.name
            for other in self._bench.objects
            if other != path
            for function in self._bench.changed(other)
        }
        mine = {function.name for function in self._bench.changed(path)}
        return [
            verdict
            for verdict in found.verdicts.values()
            if _source_name(verdict.difference.name) not in others - mine
        ]

    def _unseen(self, path: Path, done: list[_Object]) -> list[Function]:
        """The changed functions that have no code to be compared."""
        names = {
            _source_name(n) for o in done for s in o.sides.values() for n in s.functions
        }
        functions = self._bench.changed(path)
        return [f for f in functions if not any(_comes_from(n, f) for n in names)]

    def _remark(self, path: Path, verdict: Verdict) -> str:
        name = verdict.difference.name
        functions = self._bench.changed(path)
        lines = [f.first for f in functions if f.name == _source_name(name)]
        place = self._bench.place(str(path), lines[0]) if lines else path
        return f"{place}: identity: {name}: {verdict.words}"

    def _unseen_remark(self, path: Path, function: Function) -> str:
        place = self._bench.place(str(path), function.first)
        why = "has no code of its own here: inlined, or not configured"
        return f"{place}: identity: {function.name}: {why}"

    def _write(self, path: Path, verdicts: list[Verdict]) -> Path:
        file = self._bench.folder / "differences" / f"{path}.diff"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(verdict.difference.diff() for verdict in verdicts))
        return file


def _comes_from(name: str, function: Function) -> bool:
    """Whether the code NAME may be FUNCTION's; ctags knows system calls by macro."""
    if "SYSCALL_DEFINE" in function.name:
        return name.startswith(_SYSTEM_CALLS)
    return _source_name(name) == function.name


def _source_name(name: str) -> str:
    """The function that gcc made NAME of: f.part.# is f, __x64_sys_f is not."""
    return name.split(".")[0]
