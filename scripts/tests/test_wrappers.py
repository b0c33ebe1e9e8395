# SPDX-License-Identifier: GPL-2.0-only
"""Map and unmap functions in different files are converted together or not."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from kmaplocal.apply import conversion
from kmaplocal.apply.together import settled
from kmaplocal.tree.outcome import Outcome
from kmaplocal.tree.spatch import find_spatch
from kmaplocal.tree.target import Target
from kmaplocal.progress import silent

MAP = """
void *slot_map(struct page *page)
{
	return kmap_atomic(page);
}
"""
READ = """
int slot_read(struct page *page)
{
	char *at = slot_map(page);
	int first = *at;

	kunmap_atomic(at);
	return first;
}
"""
KEEP = """
void slot_keep(struct slot *slot)
{
	slot->at = slot_map(slot->page);
}
"""


@pytest.fixture
def convert(tmp_path):
    """convert(names, **files): the outcome by name of a tree of these FILES."""

    def run(names, **files):
        for name, text in files.items():
            folder = tmp_path / "lib"
            folder.mkdir(exist_ok=True)
            (folder / f"{name}.c").write_text(text)
        paths = [Path(f"lib/{name}.c") for name in names]
        request = SimpleNamespace(jobs=1, timeout=60.0, target=Target)
        worker = conversion.prepare(tmp_path, paths, find_spatch(), request, silent)
        done = settled([worker(path) for path in paths])
        return {outcome.path.stem: outcome for outcome in done}

    return run


def test_both_files_are_converted(convert):
    done = convert(["one", "two"], one=MAP, two=READ)
    assert done["one"].converted == ("slot_map",)
    assert done["two"].converted == ("slot_read",)
    assert b"kmap_local_page" in done["one"].after
    assert b"kunmap_local" in done["two"].after


def test_one_of_them_alone_is_kept(convert):
    done = convert(["one"], one=MAP, two=READ)
    assert not done["one"].converted
    assert any("lib/two.c" in doubt.reason for doubt in done["one"].kept)


def test_a_caller_in_a_third_file_keeps_both(convert):
    done = convert(["one", "two"], one=MAP, two=READ, three=KEEP)
    assert not done["one"].converted and not done["two"].converted
    assert any("slot_keep()" in doubt.reason for doubt in done["two"].kept)


@pytest.mark.parametrize("folder", (False, True), ids=("file", "folder"))
def test_a_link_that_leads_out_of_the_tree_keeps_both(
    convert, tmp_path, tmp_path_factory, folder
):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "three.c"
    elsewhere.write_text(KEEP)
    link = tmp_path / ("board" if folder else "board.c")
    link.symlink_to(elsewhere.parent if folder else elsewhere)
    done = convert(["one", "two"], one=MAP, two=READ)
    assert not done["one"].converted and not done["two"].converted
    assert any(f": {link.name} leads out" in d.reason for d in done["two"].kept)


def test_a_link_that_stays_in_the_tree_is_no_other_file(convert, tmp_path):
    (tmp_path / "board.c").symlink_to("lib/two.c")
    (tmp_path / "notes").symlink_to("/dev/zero")
    done = convert(["one", "two"], one=MAP, two=READ)
    assert done["one"].converted == ("slot_map",)


def test_a_static_namesake_is_another_function(convert):
    namesake = KEEP.replace("slot_keep", "other") + "static " + MAP.strip() + "\n"
    done = convert(["one", "two"], one=MAP, two=READ, three=namesake)
    assert done["one"].converted == ("slot_map",)


def test_what_fails_in_one_file_withholds_the_other(convert, monkeypatch):
    real = conversion._converted

    def fails(file, *arguments):
        if file.path == "lib/two.c":
            raise conversion.NotApplied("no")
        return real(file, *arguments)

    monkeypatch.setattr(conversion, "_converted", fails)
    done = convert(["one", "two"], one=MAP, two=READ)
    for outcome in done.values():
        assert outcome.after == outcome.before and outcome.unanalysed


def test_static_namesakes_are_two_components(convert):
    static = "static" + MAP.replace("\nvoid", " void", 1)
    done = convert(["one", "two"], one=static + READ, two=static + KEEP)
    assert set(done["one"].converted) == {"slot_map", "slot_read"}
    assert not done["two"].converted


ITERATE = """
int copy(struct page *page, struct scatterlist *list, int n)
{
	struct sg_mapping_iter iter;
	char *at = kmap(page);

	sg_miter_start(&iter, list, n, SG_MITER_ATOMIC);
	while (sg_miter_next(&iter))
		memcpy(at, iter.addr, 16);
	%s
	return 0;
}
"""
SEQUENCE = """
int read(struct page *page, struct skb_seq_state *state)
{
	const u8 *data;
	unsigned int n, done = 0;
	char *at = kmap(page);

	while ((n = skb_seq_read(done, &data, state)) != 0) {
		memcpy(at, data, 16);
		done += n;
		%s
	}
	kunmap(page);
	skb_abort_seq_read(state);
	return done;
}
"""
STOP, UNMAP = "sg_miter_stop(&iter);", "kunmap(page);"


def test_an_iterator_that_has_ended_maps_nothing(convert):
    done = convert(["one"], one=ITERATE % f"{UNMAP} {STOP}")
    assert done["one"].converted == ("copy",)


def test_an_iterator_that_goes_on_is_unmapped_last(convert):
    text = ITERATE.replace("while", "if") % f"{UNMAP} {STOP}"
    done = convert(["one"], one=text)
    assert [doubt.obligation for doubt in done["one"].kept] == ["lifo"]
    done = convert(["two"], two=ITERATE.replace("while", "if") % f"{STOP} {UNMAP}")
    assert done["two"].converted == ("copy",)


def test_the_next_fragment_of_an_skb_ends_the_one_before(convert):
    assert convert(["one"], one=SEQUENCE % "")["one"].converted == ("read",)
    done = convert(["two"], two=SEQUENCE % "if (done > 16) break;")
    assert [doubt.obligation for doubt in done["two"].kept] == ["lifo"]


MACRO = """
#define SLOT(page) kmap_atomic(page)
int slot_first(struct page *page)
{
	char *at = SLOT(page);

	return at[0];
}
"""


def test_who_uses_a_macro_that_maps_is_named(convert):
    done = convert(["one"], one=MACRO)
    assert any("slot_first()" in doubt.reason for doubt in done["one"].kept)


def test_what_fails_withholds_those_that_are_tied_by_others():
    """One is tied to two, two to three; three cannot be made."""

    def outcome(name, after, *partners):
        tied = frozenset(partners)
        return Outcome(Path(name), b"", after, (name,), (), (), 1, (), tied)

    one, two = outcome("one", b"1", "two"), outcome("two", b"2", "one", "three")
    free = outcome("free", b"4")
    done = settled([one, two, outcome("three", b"", "two"), free])
    assert [o.after for o in done] == [b"", b"", b"", b"4"]
    assert [bool(o.unanalysed) for o in done] == [True, True, False, False]
    three = outcome("three", b"3", "two")
    assert settled([one, two, three, free]) == [one, two, three, free]
