# SPDX-License-Identifier: GPL-2.0-only
"""What is passed through function pointers, on small trees."""

import pytest

from kmaplocal.certify.analysis import Analysis
from kmaplocal.summaries.pointers import MOST_FILES, MOST_FUNCTIONS
from kmaplocal.tree.definitions import Definitions
from kmaplocal.tree.spatch import find_spatch

HEADER = """
struct page;
struct ops {
	int	 version;
	void	(*fill)(void *at, int size);
};
struct holder {
	struct ops	ops;
	int		count;
};
"""
USER = """
void use(struct ops *ops, struct page *page)
{
	char *at = kmap_atomic(page);

	if (ops->fill)
		ops->fill(at, 1);
	kunmap_atomic(at);
}
"""
GOOD = """
static void good(void *at, int size)
{
	memset(at, 0, size);
}
"""
BAD = """
static void *kept;
static void bad(void *at, int size)
{
	kept = at;
}
"""
FAULTS = """
static char __user *to;
static void faults(void *at, int size)
{
	__copy_to_user_inatomic(to, at, size);
}
"""
FILLS = "\nstatic struct ops %s_ops = {\n\t.version = 1,\n\t.fill = %s,\n};\n"
ASSIGNS = "\nvoid set(struct ops *ops, struct ops *b)\n{\n\tops->fill = %s;\n}\n"

INSERT = """
static int insert(struct page *page, void (*fill)(void *at))
{
	char *at = kmap_atomic(page);

	if (fill)
		fill(at);
	kunmap_atomic(at);
	return 0;
}

int make(struct page *page, void (*fill)(void *at))
{
	return insert(page, fill);
}
"""
CALL = "\nint %s_make(struct page *page)\n{\n\treturn make(page, %s);\n}\n"


def fills(name):
    return FILLS % (name, name)


def calls(name):
    return CALL % ("".join(filter(str.isalpha, name)), name)


@pytest.fixture
def obligations(tmp_path, write):
    """obligations(*files, tree=True): those of the first file's mapping, by name."""

    def run(*files, tree=True):
        write(tmp_path / "include/linux/ops.h", HEADER)
        for number, text in enumerate(files):
            write(tmp_path / f"lib/{number}.c", text)
        known = Definitions(tmp_path) if tree else None
        analysis = Analysis(tmp_path, find_spatch(), 60.0, 1, known)
        found = analysis.run(["lib/0.c"])["lib/0.c"]
        (certificate,) = found.verdicts[0].certificates
        return {o.name: o for o in certificate.obligations}

    return run


@pytest.fixture
def local(obligations):
    """local(*files, tree=True): the LOCAL obligation of the first file's mapping."""
    return lambda *files, tree=True: obligations(*files, tree=tree)["local"]


# -- members -----------------------------------------------------------------


def test_all_functions_are_harmless(local):
    other = GOOD.replace("good", "better")
    answer = local(USER, GOOD + fills("good"), other + ASSIGNS % "&better")
    assert answer.state == "holds"
    assert "function pointer fill is better() or good()" in answer.evidence


@pytest.mark.parametrize(
    "body, word", [(BAD, "bad() stores it"), (FAULTS, "faults(): __copy_to_user")]
)
def test_one_function_is_not(local, body, word):
    name = word[: word.index("(")]
    answer = local(USER, GOOD + fills("good"), body + fills(name))
    assert answer.state != "holds"
    assert word in answer.evidence


FLUSHES = """
static void flushes(void *at, int size)
{
	flush_data_cache_page((unsigned long)at);
}
"""
DEEPER = """
static void by_another(void *at, struct ops *ops)
{
	ops->fill(at, 1);
}

void use(struct ops *ops, struct page *page)
{
	char *at = kmap_atomic(page);

	by_another(at, ops);
	kunmap_atomic(at);
}
"""


@pytest.mark.parametrize("user", [USER.replace("\tif (ops->fill)\n\t", ""), DEEPER])
def test_cache_of_this_processor_by_a_pointer(obligations, user):
    found = obligations(user, GOOD + fills("good"), FLUSHES + fills("flushes"))
    assert found["local"].state == "holds"
    assert found["preempt"].state == "repaired"
    assert "flushes(): flush_data_cache_page()" in found["preempt"].evidence


def test_kmap_never_kept_the_processor(obligations):
    user = USER.replace("_atomic(at)", "(page)").replace("_atomic", "")
    found = obligations(user, FLUSHES + fills("flushes"))
    assert {found["local"].state, found["preempt"].state} == {"holds"}


def test_what_asks_about_preemption_is_not_helped_by_it(obligations):
    asks = FLUSHES.replace("{\n", "{\n\tlockdep_assert_preemption_disabled();\n")
    found = obligations(USER, asks + fills("flushes"))
    assert found["local"].state == "unknown"
    assert "flushes(): " in found["local"].evidence


MITER = """
void sg_miter_stop(struct sg_mapping_iter *miter)
{
	WARN_ON_ONCE(!pagefault_disabled());
	kunmap_atomic(miter->addr);
}

bool sg_miter_next(struct sg_mapping_iter *miter)
{
	sg_miter_stop(miter);
	miter->addr = kmap_atomic(miter->page);
	return true;
}
"""
WALKS = """
void walk(struct page *page, struct sg_mapping_iter *miter)
{
	char *at = kmap_atomic(page);

	while (sg_miter_next(miter))
		memcpy(at, miter->addr, 8);
	sg_miter_stop(miter);
	kunmap_atomic(at);
}
"""


def test_what_maps_by_itself_has_what_it_asks_for(obligations):
    found = obligations(WALKS, MITER)
    assert found["faults"].state == "holds"
    other = MITER.replace("sg_miter_stop", "stop").replace("sg_miter_next", "next")
    walks = WALKS.replace("sg_miter_stop", "stop").replace("sg_miter_next", "next")
    assert obligations(walks, other)["faults"].state == "fails"


@pytest.mark.parametrize("value", ["b->other", "hook", "*list", "(char *)1"])
def test_what_is_assigned_is_no_name(local, value):
    hook = "static void (*hook)(void *at, int size);\n"
    answer = local(USER, GOOD + fills("good"), hook + ASSIGNS % value)
    assert (answer.state, "lib/2.c" in answer.evidence) == ("unknown", True)


@pytest.mark.parametrize(
    "text",
    [
        "static struct ops third = { 1, good };\n",
        "static struct ops third[] = { { 1, good } };\n",
        "static struct ops first = {}, third = { .version = 1, good };\n",
        "static struct holder third = { { 1, good }, 3 };\n",
        "static struct holder third = { .ops = 1, good };\n",
        "void set(struct ops *ops)\n{\n\t*ops = (struct ops) { 1, good };\n}\n",
        "static DEFINE_PER_CPU(struct ops, third) = { 1, good };\n",
        "#define OPS(f) { 1, f }\nstatic struct ops third = OPS(good);\n",
        "#define OPS(n, f) struct ops n = { 1, f }\nstatic OPS(third, good);\n",
        "typedef struct ops ops_t;\nstatic ops_t third = { 1, good };\n",
        "struct __packed own {\n\tstruct ops ops;\n};\nstruct own o = { 1, good };\n",
        "void third(struct ops *ops)\n{\n\tset(&ops->fill);\n}\n",
        "void third(struct ops *ops)\n{\n\tWRITE_ONCE(ops->fill, good);\n}\n",
        "#define FILL(ops, f) ((ops)->fill = (f))\n",
        "union any {\n\tvoid (*fill)(void *at);\n\tvoid *other;\n};\n",
        "static struct ops third = { fill: good };\n",
        "static struct ops third = { .fill = 1 ? good : *hook };\n",
        "void third(struct ops *ops)\n{\n\tFOO { ops->fill = bad ) ;\n}\n",
        "void third(struct ops *o)\n{\n\tint fill;\n\n\tPUT(o, fill, bad);\n}\n",
        "void third(void)\n{\n\tint fill;\n\tOPS o = { fill: bad };\n}\n",
    ],
)
def test_it_may_be_filled_in_another_way(local, text):
    answer = local(USER, GOOD + fills("good"), GOOD + text)
    assert answer.state == "unknown"
    assert "the function pointer fill: " in answer.evidence


@pytest.mark.parametrize(
    "text",
    [
        "static struct ops third = { 0 };\n",
        "static struct ops third = { .version = 1, .fill = NULL };\n",
        "int v;\nstatic struct ops third = { .fill = (v, 1) ? &good : NULL, };\n",
        "static struct holder third = { .ops = { .fill = good }, .count = 2 };\n",
        "void third(struct ops *ops)\n{\n\t*ops = (struct ops) { .fill = good };\n}\n",
        "bool third(struct ops *ops)\n{\n\treturn ops && !ops->fill;\n}\n",
        "int third(void)\n{\n\treturn sizeof(struct ops);\n}\n",
        ASSIGNS % "ops ? good : NULL",
        "int third(int n)\n{\n\tbool fill = n;\n\n\treturn fill ? n : 0;\n}\n",
        "void third(int n)\n{\n\tint fill;\n\n\tif (n)\n\t\tfill = n;\n}\n",
    ],
)
def test_it_is_filled_by_name(local, text):
    answer = local(USER, GOOD + fills("good"), GOOD + text)
    assert answer.state == "holds", answer.evidence


NAMESAKE = GOOD.replace("good", "fill")


@pytest.mark.parametrize("text", ["", "void third(void *at)\n{\n\tfill(at, 2);\n}\n"])
def test_a_function_has_the_name_of_the_member(local, text):
    answer = local(USER, NAMESAKE + fills("fill") + text)
    assert answer.state == "holds", answer.evidence
    assert "function pointer fill is fill()" in answer.evidence


@pytest.mark.parametrize(
    "text",
    [
        "static struct ops third = { fill: bad };\n",
        "DEFINE_OPS(fill, bad);\n",
        "void third(struct ops *ops)\n{\n\tPUT(ops, fill, bad);\n}\n",
    ],
)
def test_a_namesake_excuses_no_other_mention(local, text):
    answer = local(USER, NAMESAKE + fills("fill"), NAMESAKE + BAD + text)
    assert answer.state == "unknown", answer.evidence


def test_nothing_fills_it(local):
    assert "nothing is put into it" in local(USER).evidence


def test_too_many_files_mention_it(local):
    files = [GOOD + fills("good")] * MOST_FILES
    assert f"{MOST_FILES + 2} files mention it" in local(USER, *files).evidence


def test_too_many_functions(local):
    names = [f"good{number}" for number in range(MOST_FUNCTIONS + 1)]
    text = "".join(GOOD.replace("good", n) + fills(n) for n in names)
    assert f"it can be {MOST_FUNCTIONS + 1} functions" in local(USER, text).evidence


def test_without_a_tree(local):
    answer = local(USER, GOOD + fills("good"), tree=False)
    assert answer.evidence == "the address is passed through a function pointer"


def test_a_function_that_comes_back(local):
    """What is being read does no more harm by being called again."""
    again = GOOD.replace("good", "again").replace(
        "\tmemset", "\tif (size)\n\t\tops->fill(at, size - 1);\n\tmemset"
    )
    again = "static struct ops *ops;\n" + again
    assert local(USER, again + fills("again")).state == "holds"


# -- parameters --------------------------------------------------------------


def test_a_parameter(local):
    harmless = GOOD.replace(", int size", "").replace("size", "8")
    answer = local(INSERT, harmless + calls("good"), calls("NULL"))
    assert answer.state == "holds"
    assert "function pointer fill is good()" in answer.evidence


@pytest.mark.parametrize(
    "text, word",
    [
        (BAD.replace(", int size", "") + calls("& bad"), "bad() stores it"),
        ("void (*hook)(void *at);\n" + calls("hook"), "variable hook"),
        ("static void *make_it = make;\n", "make() is used as a value"),
        ("#define MAKE(page) make(page, NULL)\n", "a macro names it"),
        (calls("ops->fill"), "ops -> fill may be any"),
        ("int third(void)\n{\n\tFOO { make(0, bad) ) ;\n}\n", "lib/2.c"),
    ],
)
def test_a_parameter_that_may_be_another(local, text, word):
    harmless = GOOD.replace(", int size", "").replace("size", "8")
    answer = local(INSERT, harmless + calls("good"), text)
    assert answer.state != "holds"
    assert word in answer.evidence


def test_a_parameter_that_is_changed(local):
    changed = INSERT.replace("\tif (fill)", "\tfill = other(fill);\n\tif (fill)")
    harmless = GOOD.replace(", int size", "").replace("size", "8")
    assert local(changed, harmless + calls("good")).state == "unknown"


def test_a_parameter_is_no_function_of_its_name(local):
    """The function of the parameter's name is another."""
    named = "void fill(void *at)\n{\n}\n"
    harmless = BAD.replace(", int size", "") + calls("bad")
    assert "bad() stores it" in local(INSERT, harmless, named).evidence
