# SPDX-License-Identifier: GPL-2.0-only
"""A function of which spatch reads one half of an #if, and those beside it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from kmaplocal.apply import conversion
from kmaplocal.findings.finding import CONVERTED
from kmaplocal.findings.survey import survey
from kmaplocal.tree.spatch import find_spatch
from kmaplocal.tree.target import Target
from kmaplocal.progress import silent

CLEAN = """
char clean(struct page *page, int n)
{
	char *at = kmap(page);
	char first = at[0];

#ifdef CONFIG_TRACE
	trace(n);
#else
	n++;
#endif
	kunmap(page);
	return first;
}
"""
# spatch passes over the second half: the braces do not match else.
HALVES = """
int halves(struct page *page, struct slot *slot, int n)
{
	char *at = kmap(page);

#ifdef CONFIG_TRACE
	if (n) {
#else
	if (remember(slot, at)) {
#endif
		n = at[0];
	}
	kunmap(page);
	return n;
}
"""
BROKEN = """
int broken(struct page *page)
{
	char *at = kmap(page);

	A B C ) ;
}
"""
CALLEE = """
static int store(struct slot *slot, char *at, int n)
{
#ifdef CONFIG_TRACE
	while (n < 3) {
#else
	while ((slot->at = at)) {
#endif
		n = at[n];
	}
	return n;
}
"""
CALLER = """
int caller(struct page *page, struct slot *slot, int n)
{
	char *at = kmap(page);
	int first = store(slot, at, n);

	kunmap(page);
	return first;
}
"""


@pytest.fixture
def convert(tmp_path):
    """convert(**texts): the outcome by name of files of these TEXTS."""

    def run(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.c").write_text(text)
        paths = [Path(f"{name}.c") for name in texts]
        request = SimpleNamespace(jobs=1, timeout=60.0, target=Target)
        worker = conversion.prepare(tmp_path, paths, find_spatch(), request, silent)
        return {path.stem: worker(path) for path in paths}

    return run


@pytest.mark.parametrize("text", [CLEAN + HALVES, HALVES + CLEAN], ids=["1", "2"])
def test_the_same_if_in_another_function(convert, text):
    done = convert(both=text)["both"]
    assert done.converted == ("clean",)
    assert done.unanalysed == ()
    reasons = {doubt.reason for doubt in done.kept if doubt.function == "halves"}
    assert {reason.partition(" (where ")[2] for reason in reasons} == {
        "CONFIG_TRACE is not set)"
    }


def test_the_line_is_that_of_the_quoted_text(convert):
    (lost,) = convert(broken=BROKEN)["broken"].unanalysed
    assert lost.reason == "line 6 is not understood: A B C ) ;"


def test_one_that_does_not_parse_takes_none_before_it_along(convert):
    """What spatch calls bad begins on the line on which the one before ends."""
    plain = CLEAN.replace("#ifdef CONFIG_TRACE\n", "").replace("#endif\n", "")
    plain = plain.replace("#else\n", "")
    done = convert(both=plain.strip("\n") + BROKEN)["both"]
    assert done.converted == ("clean",)
    assert [lost.function for lost in done.unanalysed] == ["broken"]


def test_a_function_cut_short_is_not_read(convert):
    """As spatch counts braces it ends before the second half of the #if."""
    cut = HALVES.replace("\t}\n\tkunmap", "\t}\n#ifdef B\n}\n#endif\n\tkunmap")
    done = convert(one=CLEAN + cut + CLEAN.replace("clean", "other"))["one"]
    assert "halves" not in done.converted
    assert "halves" in [lost.function for lost in done.unanalysed]


# Between these braces spatch loses count, and with it what follows.
UNBALANCED = """
#define BEGIN_COUNTED {
#define END_COUNTED }
static void counted(struct page *page, int *sum)
{
	char *at = kmap(page);

	BEGIN_COUNTED
	*sum += at[0];
	END_COUNTED
	kunmap(page);
}
"""
PLAIN = """
int %s(struct page *page)
{
	char *at = kmap(page);
	int first = at[0];

	kunmap(page);
	return first;
}
"""
ODD_HEADER = """
static SECTION(.x) int odd(struct page *page)
{
	char *at = kmap(page);

	kunmap(page);
	return at[0];
}
"""


@pytest.mark.parametrize("odd", [UNBALANCED, ODD_HEADER], ids=["braces", "header"])
def test_one_that_misleads_spatch_costs_none_beside_it(convert, tmp_path, odd):
    text = PLAIN % "one" + odd + PLAIN % "two" + PLAIN % "three"
    done = convert(a=text)["a"]
    assert {*done.converted} == {"one", "two", "three"}
    assert done.after.count(b"kmap_local_page(page)") == 3
    found = survey(tmp_path, ["a.c"], find_spatch(), 60, jobs=1)
    lost = [each.function for each in done.unanalysed]
    assert len(lost) == 1 and [each.function for each in found.lost] == lost
    said = [f.remedy for f in found.findings if f.rule == "kmap-deprecated"]
    assert said.count(CONVERTED) == 3


@pytest.mark.parametrize("where", ["", " (where CONFIG_TRACE is set)"])
def test_what_is_included_into_a_function_is_not_read(convert, tmp_path, where):
    line = '#include "steps.h"'
    line = f"#ifdef CONFIG_TRACE\n{line}\n#endif" if where else line
    text = PLAIN.replace("\n\tkunmap", f"{line}\n\tkunmap") % "one" + PLAIN % "two"
    done = convert(a=text)["a"]
    assert done.converted == ("two",)
    told = "line {}: what is included into it is not read{}"
    (lost,) = done.unanalysed
    assert lost.reason == told.format(7 if where else 6, where)
    found = survey(tmp_path, ["a.c"], find_spatch(), 60, jobs=1)
    assert [each.reason for each in found.lost] == [lost.reason]


def test_a_callee_into_which_something_is_included_is_not_known(convert):
    callee = 'static int peek(char *at)\n{\n#include "steps.h"\n\treturn at[0];\n}\n'
    done = convert(a=callee + PLAIN.replace("at[0]", "peek(at)") % "one")["a"]
    assert done.converted == ()


@pytest.mark.parametrize("apart", [False, True])
def test_a_callee_of_two_halves_is_not_known(convert, apart):
    callee = CALLEE.replace("static ", "") if apart else CALLEE
    texts = {"one": callee, "two": CALLER} if apart else {"two": callee + CALLER}
    done = convert(**texts)["two"]
    assert done.converted == ()


def test_a_callee_that_was_read_is_known(convert):
    halves = "#ifdef A\n\tn = at[0];\n#else\n\tn = at[1];\n#endif\n"
    callee = CALLEE[: CALLEE.index("#")] + halves + "\treturn n;\n}\n"
    assert convert(two=callee + CALLER)["two"].converted == ("caller",)


def test_a_callee_that_leaves_in_one_half_is_not_known(convert):
    halves = "#ifdef A\n\treturn 0;\n#else\n\tslot->at = at;\n#endif\n"
    callee = CALLEE[: CALLEE.index("#")] + halves + "\treturn n;\n}\n"
    assert convert(two=callee + CALLER)["two"].converted == ()


STORES = "slot->at = at;"


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(
    "arms, converted",
    [
        ("#ifdef A\n\treturn at[0];\n#else\n\tn = at[1];\n#endif\n", True),
        ("#ifdef A\n\tif (n) {\n#else\n\tif (!n) {\n#endif\n\tn = at[1];\n}\n", True),
        ("#ifdef A\n\treturn at[0];\n#endif\n\tslot->at = at;\n", False),
        ("#ifdef A\n\tat = (char *)slot;\n#endif\n\tslot->at = at;\n", False),
        ("#ifdef A\n\tif (n) {\n#else\n\tif (!n) {\n#endif\n\tn++;\n", False),
    ],
)
def test_a_callee_is_read_a_time_for_each_arm(convert, arms, converted, apart):
    """It is harmless where it is so in every arm, and unknown where one is not read."""
    callee = CALLEE[: CALLEE.index("#")] + arms + "\treturn n;\n}\n"
    callee = callee.replace("static ", "") if apart else callee
    texts = {"one": callee, "two": CALLER} if apart else {"two": callee + CALLER}
    assert convert(**texts)["two"].converted == (("caller",) if converted else ())


TWO_CONDITIONS = """
char both(struct page *page)
{{
	char *at = 0, first = 0;
#if {one}
	at = kmap_atomic(page);
	first = at[0];
#endif
	first++;
{between}
#if {other}
	kunmap_atomic(at);
#endif
	return first;
}}
"""


@pytest.mark.parametrize(
    "one, other, between, converted",
    [
        ("!defined(PLAIN)", "!(defined PLAIN)", "", True),
        ("defined(A) && \\\n  defined(B)", "defined A && defined B", "", True),
        ("IS_BUILTIN(CONFIG_A)", "defined(CONFIG_A)", "", True),
        (
            "IS_ENABLED(CONFIG_A)",
            "defined(CONFIG_A) || defined(CONFIG_A_MODULE)",
            "",
            True,
        ),
        ("IS_ENABLED(CONFIG_A)", "defined(CONFIG_A)", "", False),
        ("defined(A) && A", "A", "", True),
        ("defined(A)", "defined(A) && defined(B)", "", False),
        ("defined(A)", "defined(A)", "#define A", False),
        ("defined(A)", "defined(A)", "#undef A", False),
        ("defined(A)", "defined(A)", "#undef B", True),
        ("A > 2", "A > 2", "", True),
        ("A > 2", "A > 2", "#define B 1", False),
        ("defined(A)", "defined(A)", '#include "b.h"', False),
        ("defined(A)", "defined(A)", '#pragma pop_macro("A")', False),
    ],
)
def test_conditions_that_are_the_same_and_others(
    convert, one, other, between, converted
):
    text = TWO_CONDITIONS.format(one=one, other=other, between=between)
    assert convert(a=text)["a"].converted == (("both",) if converted else ())


def test_flag_says_which_it_did_not_look_at(tmp_path):
    (tmp_path / "a.c").write_text(CLEAN + HALVES + BROKEN)
    found = survey(tmp_path, ["a.c"], find_spatch(), 60, jobs=1)
    assert [lost.function for lost in found.lost] == ["broken"]


def test_apply_and_flag_read_the_same(convert, tmp_path):
    done = convert(a=CLEAN + HALVES + BROKEN)["a"]
    found = survey(tmp_path, ["a.c"], find_spatch(), 60, jobs=1)
    lost = [(lost.function, lost.reason) for lost in done.unanalysed]
    assert [(lost.function, lost.reason) for lost in found.lost] == lost


MAPPERS = """
static inline void *map_it(struct page *page)
{
	return kmap_local_page(page);
}
static inline void unmap_it(void *at)
{
	kunmap_local(at);
}
"""
USER = """
int user(struct page *page, int n)
{
	char *at;

#if PARTS > 1
	at = map_it(page) + n;
#else
	at = map_it(page);
#endif
	n = at[0];
%s	return n;
}
static void *hand_over(struct page *page, int n)
{
#if PARTS > 1
	return map_it(page) + n;
#else
	return map_it(page);
#endif
}
"""


EARLY = "\tif (n)\n\t\treturn 0;\n"


@pytest.mark.parametrize(
    "unmap, rules",
    [
        ("\tunmap_it(at);\n", []),
        (f"{EARLY}\tunmap_it(at);\n", ["kmap-leak"]),
        (f"#if PARTS > 1\n{EARLY}#endif\n\tunmap_it(at);\n", ["kmap-leak"]),
    ],
)
def test_a_user_of_wrappers_is_read_a_time_for_each_arm(tmp_path, unmap, rules):
    (tmp_path / "map.h").write_text(MAPPERS)
    (tmp_path / "a.c").write_text(USER % unmap)
    found = survey(tmp_path, ["a.c", "map.h"], find_spatch(), 60, jobs=1)
    assert not found.lost
    assert {f.rule for f in found.findings if f.function == "user"} == set(rules)
    assert not [f for f in found.findings if f.severity == "warning"]
    if "PARTS" in unmap:
        (leak,) = (f for f in found.findings if f.rule == "kmap-leak")
        assert leak.message.endswith("(where PARTS > 1 is true)")


# Where a directive follows a label, spatch passes over every one.
PASSED = """
int passed(struct page *page, int n)
{
	char *at = kmap(page);

#ifdef CONFIG_TRACE
	trace("n %d", n);
#endif
	n = at[0];
	kunmap(page);
out:
#ifdef CONFIG_TRACE
	trace("n %d", n);
#endif
	return n;
}
"""


def test_arms_that_change_nothing_are_chosen_where_spatch_chose(convert, tmp_path):
    done = convert(a=PASSED)["a"]
    assert done.converted == ("passed",)
    assert b"#ifdef CONFIG_TRACE" in done.after
    assert not survey(tmp_path, ["a.c"], find_spatch(), 60, jobs=1).lost


TYPED = """
struct span {
	int n;
	u8 body[255];
};
"""
FILLS = """
int fill(struct page *page, struct span *span, int n)
{
	char *at;

	if (n > 8)
		return 0;
	at = kmap_atomic(page);
	memcpy(at, span->body + n, 16);
	kunmap_atomic(at);
	return n;
}
"""


def test_a_helper_is_given_bytes_of_another_files_structure_without_a_cast(
    convert, tmp_path
):
    (tmp_path / "span.h").write_text(TYPED)
    after = convert(a=FILLS)["a"].after.decode()
    assert "\tmemcpy_to_page(page, 0, span->body + n, 16);\n" in after


LOOKS, KEEPS = "at[0] = 1;", "held = at;"
TWICE = """
static char *held;
#if {condition}
static inline void look(char *at)
{{
	{one}
}}
#else
static inline void look(char *at)
{{
	{other}
}}
#endif
"""
LOOKING = """
int looking(struct page *page)
{
	char *at = kmap(page);

	look(at);
	kunmap(page);
	return 0;
}
"""
OLDER = "LINUX_VERSION_CODE < KERNEL_VERSION(5, 0, 0)"


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(
    "condition, one, other, converted",
    [
        ("defined(CONFIG_A)", LOOKS, LOOKS, True),
        ("defined(CONFIG_A)", LOOKS, KEEPS, False),
        ("defined(CONFIG_A)", KEEPS, LOOKS, False),
        (OLDER, KEEPS, LOOKS, True),
        (OLDER, LOOKS, KEEPS, False),
    ],
)
def test_a_callee_is_each_of_its_definitions(
    convert, tmp_path, condition, one, other, converted, apart
):
    twice = TWICE.format(condition=condition, one=one, other=other)
    if apart:
        (tmp_path / "look.h").write_text(twice)
    done = convert(a=LOOKING if apart else twice + LOOKING)["a"]
    assert done.converted == (("looking",) if converted else ())


BESIDE = """
#ifdef CONFIG_A
static void look(char *at)
{
	at[0] = 1;
}
#else
void look(char *at);
#endif
"""
ELSEWHERE = "static char *held;\nvoid look(char *at)\n{\n\t%s\n}\n"


@pytest.mark.parametrize(
    "other, converted", [(LOOKS, True), (KEEPS, False), ("", False)]
)
def test_a_callee_that_is_only_declared_in_the_other_arm(convert, other, converted):
    """It is the one of another file there; of none such nothing is known."""
    texts = {"a": BESIDE + LOOKING, "b": ELSEWHERE % other if other else ""}
    assert convert(**texts)["a"].converted == (("looking",) if converted else ())


def test_an_unmap_function_that_is_only_declared_in_the_other_arm(convert):
    beside = BESIDE.replace("at[0] = 1", "kunmap_atomic(at)")
    user = LOOKING.replace("kunmap(page);", "").replace("kmap", "kmap_atomic")
    assert convert(a=beside + user)["a"].converted == ()


NAMES = """
static char *held;
static void one(char *at)
{
	at[0] = 1;
}
static void other(char *at)
{
	held = at;
}
"""


@pytest.mark.parametrize(
    "names, converted",
    [
        ("#define look one\n", True),
        ("#define look other\n", False),
        ("#ifdef A\n#define look other\n#else\n#define look one\n#endif\n", False),
        ("#ifdef A\n#define look one\n#else\n#define look other\n#endif\n", False),
        ("#ifdef A\n#define look one\n#else\n#define look one\n#endif\n", True),
        (
            "#ifdef A\n#define look one\n#else\nstatic void look(char *at)\n"
            "{\n\theld = at;\n}\n#endif\n",
            False,
        ),
    ],
)
def test_another_name_is_each_of_the_functions_it_stands_for(convert, names, converted):
    done = convert(a=NAMES + names + LOOKING)["a"]
    assert done.converted == (("looking",) if converted else ())
