# SPDX-License-Identifier: GPL-2.0-only
"""The parts of a series: groups, prefixes, recipients, sentences."""

import pytest

from kmaplocal.series import (
    account,
    grouping,
    left,
    message,
    prefix,
    previous,
    recipients,
    words,
)
from kmaplocal.series.grouping import DRIVER, FILE, SUBSYSTEM
from kmaplocal.series.left import Left
from kmaplocal.series.maintainers import Maintainers
from kmaplocal.steps.task import Task

MAINTAINERS = """List of maintainers
\tF:\tnot/an/entry/

A DRIVER
M:\tAnn <ann@example.org>
F:\tdrivers/a/one.c
F:\tdrivers/a/one_*.c

A WHOLE BUS
M:\tBob <bob@example.org>
F:\tdrivers/a/
X:\tdrivers/a/apart/

A FILESYSTEM
F:\tfs/some/

THE REST
F:\t*
F:\t*/
"""


@pytest.fixture
def maintainers():
    return Maintainers(MAINTAINERS)


@pytest.mark.parametrize(
    "path, title",
    [
        ("drivers/a/one.c", "A DRIVER"),
        ("drivers/a/one_more.c", "A DRIVER"),
        ("drivers/a/two.c", "A WHOLE BUS"),
        ("drivers/a/deep/three.c", "A WHOLE BUS"),
        ("drivers/a/apart/x.c", ""),
        ("fs/some/dir.c", "A FILESYSTEM"),
        ("fs/alone.c", ""),
    ],
)
def test_the_closest_entry(maintainers, path, title):
    assert maintainers.closest(path)[0] == title


FILES = ["drivers/a/one.c", "drivers/a/one_x.c", "drivers/a/two.c", "fs/some/a.c"]


def test_a_patch_a_driver(maintainers):
    found = grouping.patches(FILES, {}, maintainers, DRIVER)
    assert found == [FILES[:2], [FILES[2]], [FILES[3]]]


def test_a_patch_a_subsystem(maintainers):
    more = [*FILES, "drivers/a/three.c"]
    found = grouping.patches(more, {}, maintainers, SUBSYSTEM)
    assert ["drivers/a/three.c", "drivers/a/two.c"] in found


def test_a_patch_a_file(maintainers):
    assert grouping.patches(FILES, {}, maintainers, FILE) == [[f] for f in FILES]


def test_partners_are_one_patch(maintainers):
    partners = {"fs/some/a.c": {"drivers/a/two.c"}, "drivers/a/two.c": {FILES[0]}}
    found = grouping.patches(FILES, partners, maintainers, FILE)
    assert found == [["drivers/a/one.c", "drivers/a/two.c", "fs/some/a.c"], [FILES[1]]]


@pytest.mark.parametrize(
    "paths, wanted",
    [
        (["fs/aio.c"], "fs/aio"),
        (["fs/nilfs2/a.c", "fs/nilfs2/b.c"], "nilfs2"),
        (["drivers/scsi/lpfc/x.c"], "scsi: lpfc"),
        (["drivers/block/brd.c"], "brd"),
        (["drivers/block/a.c", "drivers/block/b.c"], "block"),
        (["drivers/gpu/drm/i915/gem/a.c"], "drm/i915"),
        (["drivers/infiniband/sw/siw/x.c"], "RDMA/siw"),
        (["drivers/vhost/vhost.c"], "vhost"),
        (["arch/arm/mm/a.c", "arch/arm/mm/b.c"], "ARM: mm"),
        (["net/core/skbuff.c"], "net: skbuff"),
        (["a/b.c", "c/d.c"], "treewide"),
        (["mm/swap.c"], "mm/swap"),
        (["arch/um/kernel/skas/uaccess.c"], "um: skas"),
        (["kernel/crash_core.c"], "crash_core"),
    ],
)
def test_a_prefix_by_the_place(paths, wanted):
    assert prefix.from_paths(paths) == wanted


def test_a_prefix_by_the_history():
    subjects = ["scsi: lpfc: fix it", "scsi: lpfc: mend it", "scsi: lpfc: Do it"]
    style = prefix.from_subjects([*subjects, "treewide: all of it"])
    assert style == prefix.Style("scsi: lpfc", capital=False)


def test_a_history_without_a_prefix_says_nothing():
    assert prefix.from_subjects(["Fix this", "a sentence: with a colon"]) is None


def test_recipients_by_role():
    found = recipients.parsed(
        [
            "Ann <a@b.c> (maintainer:ONE (OR TWO))",
            '"B. B." <b@b.c> (supporter:ONE)',
            "Cee <c@b.c> (reviewer:ONE)",
            "l@b.c (open list:ONE)",
            '"GitAuthor: Fee" <f@b.c> (commit_signer:1/1=100%,authored:1/1=100%)',
            "l@b.c (moderated list)",
            "D (E) <d@b.c> (maintainer:THE LONG (Title Of Somethi...)",
        ]
    )
    assert found.to == ("Ann <a@b.c>", '"B. B." <b@b.c>', "D (E) <d@b.c>")
    assert found.cc == ("Cee <c@b.c>", "l@b.c", "Fee <f@b.c>")
    assert found.headers() == (
        'To: Ann <a@b.c>,\n    "B. B." <b@b.c>,\n    D (E) <d@b.c>\n'
        "Cc: Cee <c@b.c>,\n    l@b.c,\n    Fee <f@b.c>\n"
    )


@pytest.mark.parametrize(
    "lines, to",
    [
        (["Ann <a@b.c> (odd fixer:ONE)", "l@b.c (open list:ONE)"], "Ann <a@b.c>"),
        (["Ann <a@b.c> (reviewer:ONE)", "l@b.c (moderated list:ONE)"], "l@b.c"),
        (["Ann <a@b.c> (reviewer:ONE)"], None),
        (["Fee <f@b.c> (authored:1/1=100%)", "l@b.c (open list)"], "l@b.c"),
    ],
)
def test_what_nobody_takes_goes_to_the_lists(lines, to):
    found = recipients.parsed([*lines, "k@b.c (open list)"] if to else lines)
    assert found.to[:1] == ((to,) if to else ())
    told = {line.rpartition(" (")[0] for line in lines}
    assert told <= {*found.to, *found.cc} and not {*found.to} & {*found.cc}


def test_all_recipients_together_are_named_once():
    one = recipients.Recipients(("a",), ("b", "l"))
    other = recipients.Recipients(("b",), ("l",))
    assert recipients.together([one, other]) == (("a", "b"), ("l",))


def test_a_failing_script_is_said(tmp_path, write):
    write(tmp_path / recipients.SCRIPT, 'die "no MAINTAINERS\\n";\n')
    with pytest.raises(recipients.NoRecipients, match="no MAINTAINERS"):
        recipients.recipients(tmp_path, ["fs/aio.c"])


def test_names_in_a_sentence():
    assert words.functions(["a", "b", "a"]) == "a() and b()"
    assert words.functions(["a", "b", "c", "d", "e"]) == "5 functions"


def test_a_paragraph_is_narrow_and_starts_with_a_capital():
    text = words.paragraph(["one word " * 20, "kmap() stays", ""])
    assert all(len(line) <= 72 for line in text.split("\n"))
    assert text.startswith("One word") and text.endswith("kmap() stays.")


# -- sentences -------------------------------------------------------------------------


def mapping(api="kmap_atomic", **what):
    new = what.pop("new", "kmap_local_page")
    return account.Mapping(api, new, **what)


def told(*functions):
    text = message.body([account.Account("fs/a.c", functions)])
    assert all(len(line) <= 72 for line in text.split("\n"))
    return " ".join(text.split())


def test_page_of_lowmem_needs_no_mapping():
    low = mapping(new="page_address", way=account.LOWMEM, given=("g",))
    one = account.Account("fs/a.c", (account.Function("f", (low,)),))
    assert message.subject([one], prefix.Style("fs")).endswith("with page_address()")
    said = told(*one.functions)
    assert "The pages that f() maps are allocated without __GFP_HIGHMEM" in said
    assert "g()" not in said and "kmap_local_page()" not in said
    both = account.Function("f", (low, mapping(new="clear_highpage", way="copied")))
    subject = message.subject([account.Account("fs/a.c", (both,))], prefix.Style("fs"))
    assert subject.endswith("with page_address()")


def test_what_is_called_in_between_is_said_and_no_more():
    said = told(account.Function("f", (mapping(between=("memcpy",)),)))
    assert "memcpy(), all that is called in between, does not rely on that." in said
    said = told(account.Function("f", (mapping(),)))
    assert "nothing is called in between that could rely on that" in said
    said = told(account.Function("f", (mapping(pointers=("the pointer p is g()",)),)))
    assert "nothing is called by name in between" in said
    assert "The pointer p is g(), which keeps no copy." in said


def test_where_an_address_stays_between_calls_is_said():
    said = told(account.Function("f", (mapping(),), keeps=("it->addr",)))
    assert "only local variables and it->addr hold it" in said
    assert "The structure of it->addr is on the stack wherever it is declared" in said


def test_what_rules_out_a_path_is_said():
    said = told(account.Function("f", (mapping(),), granted=("n is not 0",)))
    assert "No path through f() goes wrong: n is not 0." in said


def test_what_another_function_maps_is_not_said_to_be_the_callers():
    hands = account.Function("get", (mapping(),), hands=True)
    said = told(hands, account.Function("use", (), unmaps=True))
    assert "get() returns what it maps and use() unmaps what another function" in said
    assert "in between" not in said and "meanwhile" not in said
    said = told(hands, account.Function("put", (), ends=True))
    assert "put() ends a mapping of the caller" in said


def test_an_address_that_is_kept_moves_on_or_points_beyond():
    moves = mapping("kmap", kept=account.Kept("base", "p", account.MOVES))
    beyond = mapping("kmap", kept=account.Kept("kaddr", "q", account.ADDED))
    said = told(account.Function("f", (moves, beyond)))
    assert "p of f() moves on: base keeps" in said
    assert "q of f() may point beyond it: kaddr keeps" in said


def test_a_patch_of_helpers_alone_says_so():
    helped = mapping("kmap", new="memset_page", way=account.COPIED, copy="memset")
    found = account.Function("f", (helped,), unused=("p",))
    said = told(found)
    assert "the mapping serves one memset()" in said and "p goes with it" in said
    assert "The address" not in said
    subject = message.subject(
        [account.Account("fs/a.c", (found,))], prefix.Style("fs/a")
    )
    assert subject == "fs/a: Replace kmap() with memset_page()"


def test_each_reason_for_a_call_by_name_is_said_once():
    need = (account.Disabled("preempt_disable", ("a", "b")),)
    other = (account.Disabled("preempt_disable", ("c",)),)
    said = told(
        account.Function("f", (mapping(disabled=need),)),
        account.Function("g", (mapping(disabled=other),)),
    )
    wanted = "In f() b() (called by a()) and in g() c() may rely on preemption being"
    assert wanted in said and said.count("see to that now") == 1


def test_many_functions_that_are_left_are_named_by_their_files():
    def kept(count):
        return [Left(f"fs/{n}.c", f"f{n}", "local", Task.READ) for n in range(count)]

    said = left.told([*kept(4), Left("fs/m.c", "m", "lifo", Task.ORDER)], "make report")
    assert "fs/0.c: f0(); fs/1.c: f1()" in said and "fs/m.c: m()" in said
    assert said.index("read a callee") < said.index("unmap once")
    assert "     4 the address may reach" in said and "     1 mappings are" in said
    said = left.told(kept(5), "make report")
    assert "fs/4.c" in said and "f4()" not in said
    said = left.told(kept(14), "make report")
    assert " and 2 more" in " ".join(said.split()) and "fs/12.c" not in said
    assert max(map(len, said.split("\n"))) <= 72
    assert left.told([], "make report") == ""


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (("-a", "+c"), "other edits of the same lines of x.c"),
        (("-a", "+b", "-d", "+e"), "edits of more lines of x.c"),
        (("+b",), "edits of fewer lines of x.c"),
        (("-d", "+e"), "edits of other lines of x.c"),
        (("-a", "+b"), "none but the lines it applies to"),
    ],
)
def test_a_changelog_says_which_lines_are_others(now, said):
    sent = previous.Sent("x: Replace", "Why. How.", {"x.c": ("-a", "+b")})
    before = previous.Previous(2, "", (sent,))
    text = previous.changelog(before, "x: Replace", "Why.\nHow.", {"x.c": now})
    assert text == f"Changes since v2: {said}.\n"


def test_a_changelog_has_the_sentences_that_are_new():
    sent = previous.Sent("x: Replace", "Why. How.", {"x.c": ("-a", "+b")})
    before = previous.Previous(1, "", (sent,))
    given = "Why. f() maps one. How."
    text = previous.changelog(before, "x: Replace", given, {"x.c": ("-a", "+b")})
    assert text == (
        "Changes since v1: the message only.\n\nNew in the message:\nf() maps one.\n"
    )


def test_a_callee_that_maps_as_well_is_named():
    outer = account.Function("f", (mapping(between=("g", "memcpy")),))
    said = told(outer, account.Function("g", (mapping(),)))
    assert "None of the functions holds two mappings of its own at a time." in said
    assert (
        "While its page is mapped f() calls g(), which maps a page as well and" in said
    )
    said = told(outer, account.Function("h", (mapping(),)))
    assert "None of the functions holds two mappings at a time." in said


def test_the_users_of_what_a_function_maps_are_named():
    users = (account.User("one", ("inb",)), account.User("two", ()))
    said = told(account.Function("get", (mapping(),), hands=True, users=users))
    assert "get() is used by one() and two(); inb(), called meanwhile, does not" in said
    users = (account.User("one", ()),)
    said = told(account.Function("get", (mapping(),), hands=True, users=users))
    assert "get() is used by one(), which calls nothing meanwhile that could" in said
    said = told(account.Function("get", (mapping("kmap"),), hands=True, users=users))
    assert "get() is used by one()." in said
