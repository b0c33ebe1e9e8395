# SPDX-License-Identifier: GPL-2.0-only
"""Next steps: what a person is told to change where a mapping is kept."""

import pytest
from conftest import REPOSITORY

from kmaplocal.certify.analysis import Analysis
from kmaplocal.steps.steps import RULES, Steps
from kmaplocal.steps.task import Task
from kmaplocal.tree.definitions import Definitions
from kmaplocal.tree.search import Search
from kmaplocal.tree.spatch import find_spatch

# A fixture below fixtures/keep, a function of it, and what its step has to say.
SAID = [
    ("local/stored_in_struct.c", "window_open", "w->addr keeps the address until"),
    ("local/stored_in_struct.c", "window_open", " window_close():"),
    ("local/stored_in_struct.c", "window_close", "convert it with window_open()"),
    ("local/workqueue.c", "sum_in_background", "this thread alone reads job->data"),
    ("local/array_forwards.c", "sum_heads", "v[i] keeps from the last to the first"),
    ("local/returned.c", "table_map", "table_map() and table_unmap() with"),
    ("local/kthread.c", "start_scrubber", "give kthread_run() the page and map it"),
    ("local/virt_to_page.c", "pin_second_half", "the page and the offset"),
    ("local/callee_keeps.c", "use_keeper", "nothing reads cache->last"),
    (
        "local/callback_keeps.c",
        "left_by_callback",
        "see that map_more(), which is called",
    ),
    ("local/unknown_callee.c", "hand_out", "read register_buffer()"),
    ("local/function_pointer.c", "visit", "behind the function pointer fn"),
    ("local/address_taken_before.c", "sum_by_worker", "nothing reads v after"),
    ("local/assembly.c", "give_away", "read line 15"),
    ("local/out_parameter.c", "find_slot", "find_slot() map themselves"),
    ("paired/carried_not.c", "word_of", "give put_pointed() words as well"),
    ("paired/map_here_unmap_there.c", "begin_access", "pass it to end_access()"),
    ("paired/leak_on_error_path.c", "read_checked", "before line 17 leaves"),
    ("paired/leak_by_continue.c", "sum_valid", "the unmap first"),
    ("paired/use_after_unmap.c", "read_late", "unmap after line 19"),
    ("paired/double_unmap.c", "check_word", "first put right what is wrong today"),
    ("paired/unmapped_by_callee.c", "sum_block", "give next_block() the address"),
    ("paired/page_reassigned.c", "sum_two", "may be another page"),
    ("lifo/fifo.c", "move_word", "unmap kmap_atomic(to), which was mapped last"),
    ("lifo/data_dependent.c", "copy_runs", "before line 24"),
    ("faults/runtime_choice.c", "copy_in", "one kmap_local_page() for both"),
    ("faults/faults_asserted.c", "bump_quietly", "pagefault_disable()"),
    ("preempt/this_cpu_ptr.c", "stash", "around this_cpu_ptr() of line 20"),
    ("one_page/compound_page.c", "clear_all", "a memset_page() for each page"),
    ("one_page/compound_page.c", "copy_block", "a memcpy_to_page() for each page"),
    ("local/compared.c", "move_words", "once where it is from as well"),
    ("local/compared.c", "distance", "compare pages and offsets"),
    ("one_page/page_address_later.c", "", "use it for page_address("),
    ("one_page/page_address_callee.c", "by_page", "give peek() of line"),
    ("one_page/address_unnamed.c", "tail_crc", "a variable of its own"),
    ("syntax/macro_hides_exit.c", "check_words", "see that FAIL_IF() of line 16"),
    ("syntax/macro_body.c", "READ_WORD", "make READ_WORD() an inline function"),
    ("syntax/unmap_in_expression.c", "as_operand", "a statement of its own"),
]
GET_AND_PUT = """\
#include <linux/highmem.h>

static void shelf_put(struct page *page)
{
	kunmap(page);
	put_page(page);
}

static struct page *shelf_get(struct shelf *shelf)
{
	struct page *page = shelf->page;

	kmap(page);
	return page;
}
"""
USER = """\
	struct page *page = shelf_get(shelf);
	int word = *(int *)page_address(page);

	shelf_put(page);
	return word;
}
"""


@pytest.fixture(scope="module")
def keep():
    """All fixtures that are kept, as they are analysed, each by itself."""
    root = REPOSITORY / "fixtures/keep"
    names = sorted({name for name, _, _ in SAID})
    found = Analysis(root, find_spatch(), 60.0, 1).run(names)
    return {name: (found[name], Steps([found[name]])) for name in names}


@pytest.mark.parametrize(("name", "function", "said"), SAID)
def test_step_says(keep, name, function, said):
    file, steps = keep[name]
    verdicts = [v for v in file.verdicts if v.function == (function or v.function)]
    found = [steps.of_function(file, verdict) for verdict in verdicts]
    assert any(said in step.text for step in found if step)


def test_every_kept_mapping_has_one(keep):
    for file, steps in keep.values():
        for verdict in file.verdicts:
            for certificate in verdict.certificates:
                step = steps.of(file, verdict, certificate)
                assert bool(step) == (verdict.verdict == "keep"), verdict.function
                assert "\n" not in step


def test_mapping_that_is_good_waits_for_another(tmp_path, write):
    good = "\tp[0] = 1;\n\tkunmap_atomic(p);\n"
    keeps = "\tq = kmap(b);\n\tkept = q;\n\tkunmap(b);\n"
    write(
        tmp_path / "a.c",
        "void f(struct page *a, struct page *b)\n{\n\tchar *p, *q;\n\n"
        f"\tp = kmap_atomic(a);\n{good}{keeps}}}\n",
    )
    file = Analysis(tmp_path, find_spatch(), 60.0, 1).run(["a.c"])["a.c"]
    (verdict,) = file.verdicts
    steps = [Steps([file]).of(file, verdict, c) for c in verdict.certificates]
    assert steps[0] == f"with the mapping of line 8: {steps[1]}"


def test_address_that_is_followed_too_far_names_both_ends(tmp_path, write):
    deep = "".join(
        f"static void f{n}(char *p)\n{{\n\tf{n - 1}(p);\n}}\n\n" for n in range(1, 9)
    )
    write(
        tmp_path / "a.c",
        f"static void f0(char *p)\n{{\n\tp[0] = 0;\n}}\n\n{deep}"
        "void f(struct page *page)\n{\n\tchar *p = kmap(page);\n\n"
        "\tf8(p);\n\tkunmap(page);\n}\n",
    )
    file = Analysis(tmp_path, find_spatch(), 60.0, 1).run(["a.c"])["a.c"]
    (verdict,) = file.verdicts
    assert Steps([file]).of_function(file, verdict).text == (
        "see that f8() is done with the address when it returns, and uses it in this"
        " thread alone: it was followed as far as f2(); then kmap_local_page() will do"
    )


def users(number, static):
    """NUMBER functions that use a page of the shelf."""
    return "".join(
        f"\n{static}int word_{n}(struct shelf *shelf)\n{{\n{USER}"
        for n in range(number)
    )


# What keeps all of them: nobody knows who calls it.
BY_POINTER = "void (*shelf_end)(struct page *page) = shelf_put;\n"


def test_callers_of_the_file_are_counted(tmp_path, write):
    write(tmp_path / "a.c", GET_AND_PUT + users(3, "static ") + BY_POINTER)
    assert step_of(tmp_path, None) == (
        "return the address of kmap_local_page(page) from shelf_get() and pass it to"
        " shelf_put(), 3 callers; in the way: line 43: shelf_put is used as a value"
        " (a.c)"
    )


def test_callers_all_over_the_tree_are_counted(tmp_path, write):
    pages = GET_AND_PUT.replace("static ", "")
    write(tmp_path / "fs/a.c", pages + users(1, "") + BY_POINTER)
    write(tmp_path / "fs/b.c", users(2, ""))
    write(tmp_path / "fs/a.h", "struct page *shelf_get(struct shelf *shelf);\n")
    step, _, why = step_of(tmp_path, Search(tmp_path), "fs/a.c").partition("; ")
    assert step.endswith(", 3 callers")
    assert why.endswith("shelf_put is used as a value (fs/a.c)")
    assert ", all callers; " in step_of(tmp_path, None, "fs/a.c")


def step_of(root, search, name="a.c"):
    """The step for shelf_get()."""
    tree = Definitions(root) if search else None
    file = Analysis(root, find_spatch(), 60.0, 1, tree).run([name])[name]
    verdict = next(v for v in file.verdicts if v.function == "shelf_get")
    return Steps([file], search).of(file, verdict, verdict.certificates[0])


IN_STRUCTURE = """\
#include <linux/highmem.h>
%s
void walk_map(struct walk *walk)
{
	walk->addr = kmap(walk->page);
}

void walk_unmap(struct walk *walk)
{
	kunmap(walk->page);
}

int walk_first(struct page *page)
{
	struct walk walk = { .page = page };
	int word;

	walk_map(&walk);
	word = *(int *)walk.addr;
	walk_unmap(&walk);
	return word;
}
"""


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (
            "struct walk {\n\tvoid *addr;\n\tstruct page *page;\n};\n",
            "lies on the stack",
        ),
        (
            '#include "walk.h"\n',
            "if each struct walk lies on a stack as in walk_first()",
        ),
    ],
)
def test_structure_on_a_stack_may_have_others_elsewhere(tmp_path, write, own, said):
    write(tmp_path / "a.c", IN_STRUCTURE % own)
    file = Analysis(tmp_path, find_spatch(), 60.0, 1).run(["a.c"])["a.c"]
    verdict = next(v for v in file.verdicts if v.function == "walk_map")
    assert said in Steps([file]).of_function(file, verdict).text


def test_parameters_of_other_processors_are_told(tmp_path, write):
    write(
        tmp_path / "a.c",
        "static void flush(void *at)\n{\n}\n\n"
        "static void flush_all(char *p)\n{\n\tstruct range param = { p };\n\n"
        "\tif (irqs_disabled())\n\t\tflush(&param);\n"
        "\telse\n\t\ton_each_cpu(flush, &param, 1);\n}\n\n"
        "void f(struct page *page)\n{\n\tchar *p = kmap_atomic(page);\n\n"
        "\tflush_all(p);\n\tkunmap_atomic(p);\n}\n",
    )
    file = Analysis(tmp_path, find_spatch(), 60.0, 1).run(["a.c"])["a.c"]
    verdict = next(v for v in file.verdicts if v.function == "f")
    assert Steps([file]).of_function(file, verdict).text == (
        "give flush_all() the page and map it where it is used: it is handed to other"
        " processors"
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            "\tif (full)\n\t\treturn -1;\n\tkunmap_atomic(p);\n\treturn 0;\n",
            "first unmap in use() before line 13 leaves (a.c:10), then convert both in"
            " one change",
        ),
        (
            "\tkunmap_atomic(p);\n\tkunmap_atomic(kept);\n\treturn full;\n",
            "first see that use() unmaps nothing but what get() mapped (a.c:13), then"
            " convert both in one change",
        ),
    ],
)
def test_user_of_a_wrapper_comes_first(tmp_path, write, body, said):
    write(
        tmp_path / "a.c",
        "static char *kept;\n\nstatic char *get(struct page *page)\n{\n"
        "\treturn kmap_atomic(page);\n}\n\n"
        "int use(struct page *page, int full)\n{\n\tchar *p = get(page);\n\n"
        f"{body}}}\n",
    )
    file = Analysis(tmp_path, find_spatch(), 60.0, 1).run(["a.c"])["a.c"]
    verdict = next(v for v in file.verdicts if v.function == "get")
    assert Steps([file]).of_function(file, verdict).text == said


LENT = """\
#include <linux/highmem.h>

void submit(struct vec *vec, int number);

static void put_out(char *buf)
{
	struct vec vec;

	vec.base = buf;
	submit(&vec, 1);
}

void f(struct page *page)
{
	char *p = kmap(page);

	put_out(p);
	kunmap(page);
}

void g(struct page *page)
{
	kmap(page);
	put_out(page_address(page));
	kunmap(page);
}

void h(struct page *page, struct msghdr *msg)
{
	struct kvec iov;

	iov.iov_base = kmap(page);
	iov_iter_kvec(&msg->msg_iter, 1, &iov, 1, 64);
	send_all(msg);
	kunmap(page);
}

static void put_both(char *buf)
{
	struct vec vecs[2];

	vecs[1].base = buf;
	submit(vecs, 2);
}

void k(struct page *page)
{
	char *p = kmap(page);

	put_both(p);
	kunmap(page);
}
"""


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("f", "see that vec.base is not kept by submit() (a.c:9), and read in this"),
        ("k", "see that submit() is done with vecs[1].base (a.c:42) when put_both()"),
        ("k", ", and reads it in this thread alone; then kmap_local_page() will do"),
        (
            "g",
            "use it for page_address(page) of line 24; before that, see that vec.base",
        ),
        ("h", "a bio_vec and iov_iter_bvec() instead of a kvec"),
    ],
)
def test_who_may_read_what_is_lent(tmp_path, write, function, said):
    write(tmp_path / "a.c", LENT)
    file = Analysis(tmp_path, find_spatch(), 60.0, 1).run(["a.c"])["a.c"]
    verdict = next(v for v in file.verdicts if v.function == function)
    assert said in Steps([file]).of_function(file, verdict).text


def test_every_rule_says_what_it_is_for():
    assert all(rule.__doc__ for rule, _ in RULES)


@pytest.mark.parametrize(
    ("name", "function", "task"),
    [
        ("local/stored_in_struct.c", "window_open", Task.KEEP),
        ("local/stored_in_struct.c", "window_close", Task.ENDS),
        ("local/array_forwards.c", "sum_heads", Task.ORDER),
        ("local/returned.c", "table_map", Task.TOGETHER),
        ("local/unknown_callee.c", "hand_out", Task.READ),
        ("local/kthread.c", "start_scrubber", Task.PAGE),
        ("paired/carried_not.c", "word_of", Task.RETURN),
        ("paired/leak_on_error_path.c", "read_checked", Task.ORDER),
        ("paired/page_reassigned.c", "sum_two", Task.ADDRESS),
        ("faults/faults_asserted.c", "bump_quietly", Task.CONTEXT),
        ("one_page/compound_page.c", "clear_all", Task.SPLIT),
        ("syntax/macro_body.c", "READ_WORD", Task.PERSON),
    ],
)
def test_steps_of_a_kind(keep, name, function, task):
    file, steps = keep[name]
    verdict = next(v for v in file.verdicts if v.function == function)
    assert steps.of_function(file, verdict).task == task
