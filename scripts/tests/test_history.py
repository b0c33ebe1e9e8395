# SPDX-License-Identifier: GPL-2.0-only
"""History: what upstream did to a function beside what we did."""

import json
from pathlib import Path

import pytest

from kmaplocal.history import history

OLD = """\
#include <linux/highmem.h>

/* the first says kmap(page) in a comment */
static void renamed(struct page *page)
{
    char *p = kmap_atomic(page); /* here */

    memset(p, 0, 8);
    kunmap_atomic(p);
}

static void rewritten(struct page *page, void *from)
{
    char *p = kmap(page);

    memcpy(p, from, 8);
    kunmap(page);
}

static void kept(struct page *page)
{
    kmap(page);
    kunmap(page);
}

static void dropped(struct page *page)
{
    memset(kmap(page), 0, 8);
    kunmap(page);
}

static void gone(struct page *page)
{
    kunmap_atomic(kmap_atomic(page));
}

static void put(struct page *page)
{
    kunmap(page);
}

static int bystander(struct ops *ops)
{
    return ops->kmap(0) + ops->x.kunmap(1) + kmap + sizeof("kmap(x)");
}
""".replace(
    "    ", "\t"
)


def function(source, name):
    """The text of one function of a source like OLD."""
    start = source.index(f"static void {name}(")
    end = source.index("\n}\n", start) + 3
    return source[start:end]


def change(source, name, *pairs):
    """`source` with replacements inside the function `name`."""
    was = now = function(source, name)
    for old, new in pairs:
        assert old in now
        now = now.replace(old, new)
    return source.replace(was, now)


RENAME = (("kmap_atomic", "kmap_local_page"), ("kunmap_atomic", "kunmap_local"))
HELPER = (
    ("\tchar *p = kmap(page);\n\n", ""),
    ("memcpy(p, ", "memcpy_to_page(page, 0, "),
    ("\tkunmap(page);\n", ""),
)


def upstream():
    """NEW: what upstream made of OLD."""
    text = change(OLD, "renamed", *RENAME)
    text = change(text, "rewritten", *HELPER)
    text = change(text, "dropped", ("kmap(page)", "page_address(page)"))
    text = change(text, "dropped", ("\tkunmap(page);\n", ""))
    text = change(text, "put", ("kunmap(page)", "kunmap_local(page)"))
    return text.replace(function(OLD, "gone"), "")


def tree(folder: Path, **files: str) -> Path:
    """A folder of files; `__` in a name stands for a slash, `_c` for `.c`."""
    for name, text in files.items():
        path = folder / (name.replace("__", "/")[:-2] + "." + name[-1])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture
def old(tmp_path):
    return tree(tmp_path / "old", fs__a_c=OLD, fs__b_c="int nothing;\n")


@pytest.fixture
def new(tmp_path):
    return tree(tmp_path / "new", fs__a_c=upstream(), fs__b_c="int nothing;\n")


def by_name(rows):
    return {row.function: row for row in rows}


def compared(old, new):
    """What upstream did, by function."""
    return by_name(history.compared(old, new, {}, {}))


def ours(old, texts, reasons=None):
    """What a conversion did that made TEXTS, by function."""
    return by_name(history.compared(old, old, texts, reasons or {}))


# Functions that map


def test_functions_that_map(old):
    found = history.functions_that_map(old, history.candidates(old))
    names = [function for _file, function in found]
    assert names == ["renamed", "rewritten", "kept", "dropped", "gone", "put"]
    assert found["fs/a.c", "renamed"].line == 4


def test_candidates_are_c_files_that_name_an_old_function(old):
    tree(old, fs__c_h="/* kunmap */", fs__d_txt="kmap(x)", fs__e_c="xkmap(y);")
    assert history.candidates(old) == ["fs/a.c", "fs/c.h"]


def test_a_definition_of_a_map_function_is_no_call(tmp_path):
    source = "void *kmap(struct page *p)\n{\n\treturn page_address(p);\n}\n"
    folder = tree(tmp_path, a_h=source)
    assert history.functions_that_map(folder, ["a.h"]) == {}


def test_calls_in_a_header(tmp_path):
    folder = tree(tmp_path, a_h="static inline void f(void) { kunmap_atomic(x); }\n")
    assert list(history.functions_that_map(folder, ["a.h"])) == [("a.h", "f")]


def test_bytes_that_are_not_utf8_do_no_harm(tmp_path):
    (tmp_path / "a.c").write_bytes(b"void f(void)\n{\n\tkmap(x); /* \xe9 */\n}\n")
    assert list(history.functions_that_map(tmp_path, ["a.c"])) == [("a.c", "f")]


# Upstream


def test_what_upstream_did(old, new):
    rows = compared(old, new)
    assert {name: row.upstream for name, row in rows.items()} == {
        "renamed": "renamed",
        "rewritten": "converted",
        "kept": "kept",
        "dropped": "dropped",
        "gone": "gone",
        "put": "renamed",
    }
    assert [name for name, row in rows.items() if row.rename_only] == ["renamed", "put"]
    assert [name for name, row in rows.items() if not row.maps] == ["put"]


def test_unmap_arguments_do_not_count_for_renaming_alone(old, tmp_path):
    text = change(OLD, "kept", ("kmap(", "p = kmap_local_page("))
    text = change(text, "kept", ("kunmap(page)", "kunmap_local(p - (n))"))
    rows = compared(old, tree(tmp_path / "n", fs__a_c=text))
    assert rows["kept"].upstream == "converted"  # `p =` is new
    text = change(text, "kept", ("p = kmap", "kmap"))
    rows = compared(old, tree(tmp_path / "n", fs__a_c=text))
    assert rows["kept"].upstream == "renamed"


def test_comments_do_not_count_for_renaming_alone(old, tmp_path):
    text = change(OLD, "renamed", *RENAME, (" /* here */", ""))
    rows = compared(old, tree(tmp_path / "n", fs__a_c=text))
    assert rows["renamed"].rename_only


def test_one_old_call_left_is_kept(old, tmp_path):
    text = change(OLD, "renamed", ("kunmap_atomic(p);", "kunmap_atomic(p); clear();"))
    text = change(text, "renamed", ("kmap_atomic", "kmap_local_page"))
    rows = compared(old, tree(tmp_path / "n", fs__a_c=text))
    assert rows["renamed"].upstream == "kept"


def test_a_file_that_moved_is_found_by_its_base_name(old, tmp_path):
    far = OLD.replace("memset", "other")
    moved = tree(tmp_path / "n", fs__sub__a_c=upstream(), net__a_c=far)
    rows = compared(old, moved)
    assert (rows["renamed"].upstream, rows["renamed"].where) == (
        "renamed",
        "fs/sub/a.c",
    )
    assert (rows["gone"].upstream, rows["gone"].where) == ("kept", "net/a.c")


def test_a_file_that_stayed_is_not_sought_elsewhere(old, new):
    tree(new, fs__sub__a_c=OLD)
    assert compared(old, new)["gone"].upstream == "gone"


# Ours


def test_nothing_changed_is_kept_for_the_reason_given(old):
    said = {("fs/a.c", "renamed"): ("not-analysed", "does not parse")}
    rows = ours(old, {}, said)
    assert {row.ours for row in rows.values()} == {"keep", "not-analysed"}
    assert rows["renamed"].reason == "does not parse"


def test_a_promise_to_convert_that_changed_nothing_is_kept(old):
    said = {("fs/a.c", "renamed"): ("convert", "")}
    row = ours(old, {}, said)["renamed"]
    assert (row.ours, row.reason[:9]) == ("keep", "unchanged")


@pytest.mark.parametrize(
    "name, pairs, expected",
    [
        ("renamed", RENAME, "convert"),
        ("renamed", RENAME[:1], "half"),
        ("renamed", RENAME[1:], "half"),
        ("renamed", [*RENAME, ("\tkunmap_local(p);\n", "")], "half"),
        ("renamed", [*RENAME, ("kmap_local_page(page)", "NULL")], "half"),
        ("renamed", [("\tkunmap_atomic(p);\n", "")], "half"),
        ("renamed", [("memset", "other")], "keep"),
        ("renamed", [("static void renamed", "static void other")], "half"),
        ("rewritten", HELPER, "convert"),
        ("dropped", [("kmap(", "f("), ("\tkunmap(page);\n", "")], "half"),
        ("put", [("kunmap(page)", "kunmap_local(page)")], "convert"),
    ],
)
def test_what_we_did(old, name, pairs, expected):
    text = change(OLD, name, *pairs)
    assert ours(old, {"fs/a.c": text})[name].ours == expected


def test_two_mappings_with_one_converted_are_half(old, tmp_path):
    both = "void f(void)\n{\n\tkunmap_atomic(kmap_atomic(p));\n\tkmap(q);\n}\n"
    one = both.replace("kunmap_atomic(kmap_atomic", "kunmap_local(kmap_local_page")
    row = ours(tree(tmp_path / "o", a_c=both), {"a.c": one})["f"]
    assert row.ours == "half"
    assert "kmap left beside new kmap_local_page" in row.reason


def test_a_function_that_was_mixed_and_stays_so_is_not_half(tmp_path):
    mixed = "void f(void)\n{\n\tkunmap_local(kmap_local_page(p));\n\tkmap(q);\n}\n"
    was = tree(tmp_path / "o", a_c=mixed)
    assert ours(was, {"a.c": "int x;\n" + mixed})["f"].ours == "keep"


def test_definitions_under_ifdef_are_compared_one_by_one(tmp_path):
    one = "void f(void)\n{\n\tkunmap_atomic(kmap_atomic(p));\n}\n"
    done = one.replace("kunmap_atomic(kmap_atomic", "kunmap_local(kmap_local_page")
    two = f"#ifdef A\n{one}#else\n{one}#endif\n"
    was = tree(tmp_path / "o", a_c=two)
    assert len(history.functions_that_map(was, ["a.c"])["a.c", "f"].definitions) == 2
    text = f"#ifdef A\n{done}#else\n{one}#endif\n"
    row = ours(was, {"a.c": text})["f"]
    assert (row.ours, row.reason) == ("keep", "changed, but old calls are left")


def test_a_function_that_is_lost_is_half(old):
    assert ours(old, {"fs/a.c": upstream()})["gone"].ours == "half"


# Beside each other


def test_tokens_are_compared_with_upstream(old, new):
    text = change(upstream(), "renamed", ("\tmemset", "\t\t/* wide */\n memset"))
    rows = by_name(history.compared(old, new, {"fs/a.c": text}, {}))
    assert rows["renamed"].identical is True
    assert rows["kept"].identical is None
    text = change(upstream(), "renamed", ("kunmap_local(p)", "kunmap_local(q)"))
    row = by_name(history.compared(old, new, {"fs/a.c": text}, {}))["renamed"]
    assert row.identical is False
    assert row.unlike == "`kunmap_local ( q ) ; }`, upstream `kunmap_local ( p ) ; }`"


def test_counts_and_text(old, new):
    texts = {"fs/a.c": change(OLD, "renamed", *RENAME)}
    rows = history.compared(old, new, texts, {})
    text, counts = history.render(rows), history.counts(rows)
    assert counts["renamed"] == {
        "convert": 1,
        "keep": 0,
        "not-analysed": 0,
        "half": 0,
        "identical": 1,
    }
    assert counts["unmap-only"]["keep"] == 1
    assert sum(counts[deed][ours] for deed in counts for ours in history.OURS) == 6
    table, _blank, listed = text.partition("\n\n")
    assert table.splitlines()[3].split() == "= converted 1 1 0 0 1 2".split()
    assert listed.splitlines() == [
        "2 differences:",
        "fs/a.c:12: rewritten: upstream converted, we keep",
        "fs/a.c:37: put: upstream renamed, we keep",
    ]


def test_differences(old, new):
    def lines(text):
        rows = history.compared(old, new, {"fs/a.c": text}, {})
        return [row.function for row in history.differences(rows)]

    ours = upstream().replace(
        "static void put", function(OLD, "gone") + "static void put"
    )
    assert not lines(ours)  # page_address() is what a page of lowmem needs
    kept = change(
        OLD, "kept", ("kmap(", "kmap_local_page("), ("kunmap(", "kunmap_local(")
    )
    assert "kept" in lines(kept)


def test_json(old, new):
    rows = history.compared(old, new, {"fs/a.c": upstream()}, {})
    data = json.loads(history.as_json(rows))
    assert data["counts"] == history.counts(rows)
    assert data["functions"][0] == {
        "file": "fs/a.c",
        "function": "renamed",
        "line": 4,
        "upstream": "renamed",
        "rename_only": True,
        "maps": True,
        "where": "",
        "ours": "convert",
        "reason": "",
        "identical": True,
        "unlike": "",
    }
