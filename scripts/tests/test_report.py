# SPDX-License-Identifier: GPL-2.0-only
"""The report: every mapping of a small tree, as JSON, as text and in a file."""

import json
import os
import subprocess
import sys

import jsonschema
import pytest
from conftest import REPOSITORY

from kmaplocal.c import oldcalls
from kmaplocal.report import listing, output, report
from kmaplocal.certify.certificate import OBLIGATIONS
from kmaplocal.prove.record import Proof
from kmaplocal.c.outline import Outline, Span

GOOD = """\
#include <linux/highmem.h>

static void good(struct page *page)
{
	char *p = kmap_atomic(page);

	p[0] = 1;
	kunmap_atomic(p);
}

static void stored(struct page *page, struct page *b, struct own *own)
{
	char *p = kmap(page);
	char *q = kmap(b);

	own->address = p;
	q[0] = 1;
	kunmap(b);
	kunmap(page);
}

static void put(struct page *page)
{
	kunmap(page);
}
"""
LOST = """\
static int lost(struct page *page)
{
	char *p;

	p = kmap(pages[0] /* the
			first */ .page);
	if (this is no C at all)
	p[0] @ = 1;
	kunmap(page);
	return 0;
}
"""
MACRO = """\
#define map_it(x) kmap_atomic((x)->page)
void *kmap(struct page *page);

static inline void nothing(struct ops *ops)
{
	ops->kmap(1);
}
"""


@pytest.fixture
def tree(kernel, write):
    """A tree with a file of each sort."""
    (kernel / "fs/aio.c").unlink()
    (kernel / "mm/a b.c").unlink()
    write(kernel / "fs/good.c", GOOD)
    write(kernel / "fs/sub/macro.h", MACRO)
    return kernel


@pytest.fixture
def door(tree):
    """door(*arguments): run `report` on the tree; the completed process."""

    def run(*arguments):
        command = ["report", "--kernel", tree, *arguments]
        return subprocess.run(
            [sys.executable, "-m", "kmaplocal", *map(str, command)],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY / "scripts")},
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


def reported(done):
    """The report on standard output, validated."""
    found = json.loads(done.stdout)
    schema = json.loads(report.SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(found)
    return found


def test_mappings_verdicts_and_reasons(door):
    done = door("--format", "json")
    assert done.returncode == 0, done.stderr
    found = reported(done)
    assert found["kernel"] == {"version": "6.1"}
    assert [(m["line"], m["column"], m["verdict"]) for m in found["mappings"]] == [
        (5, 12, "convert"),
        (13, 12, "keep"),
        (14, 12, "keep"),
    ]
    good, stored, beside = found["mappings"]
    assert (good["file"], good["function"]) == ("fs/good.c", "good")
    assert (good["api"], good["page"]) == ("kmap_atomic", "page")
    assert (good["variable"], good["reason"]) == ("p", "")
    assert [o["name"] for o in good["obligations"]] == list(OBLIGATIONS)
    assert {o["state"] for o in good["obligations"]} == {"holds"}
    local = stored["obligations"][2]
    assert (local["state"], local["line"]) == ("fails", 16)
    assert stored["reason"].startswith("local: fs/good.c:16: ")
    assert local["evidence"] in stored["reason"]
    assert {o["state"] for o in beside["obligations"]} == {"holds"}
    assert beside["reason"] == f"stored() is kept: {stored['reason']}"


def test_what_was_not_read_is_named(door, tree, write):
    code = GOOD.replace("p[0] = 1;", "p[0] = 1;\n\tnobody(1);", 1)
    write(tree / "fs/good.c", code)
    good = reported(door("--format", "json", "fs/good.c"))["mappings"][0]
    said = {o["name"]: o["evidence"] for o in good["obligations"]}
    for name in ("faults", "preempt"):
        assert said[name].endswith("as far as it was read: not nobody()")


def test_what_a_pointer_calls_is_not_known(door, tree, write):
    code = GOOD.replace("p[0] = 1;", "p[0] = 1;\n\town->fn(2);", 1)
    write(tree / "fs/good.c", code)
    good = reported(door("--format", "json", "fs/good.c"))["mappings"][0]
    found = {o["name"]: o for o in good["obligations"]}
    assert good["verdict"] == "keep"
    for name in ("faults", "preempt"):
        assert found[name]["state"] == "unknown"
        assert "own->fn(), which is called by a pointer" in found[name]["evidence"]


def test_findings_and_totals(door):
    found = reported(door("--format", "json"))
    places = [(f["file"], f["line"], f["function"]) for f in found["findings"]]
    assert places == [("fs/good.c", 24, "put"), ("fs/sub/macro.h", 1, "map_it")]
    assert found["findings"][1]["obligation"] == "syntax"
    assert found["not_analysed"] == []
    totals = found["totals"]
    assert totals["functions"] == {"convert": 1, "keep": 2, "not-analysed": 0}
    assert totals["mappings"] == {"convert": 1, "keep": 2, "not-analysed": 0}
    assert (totals["files"], totals["macros"], totals["findings"]) == (2, 1, 2)
    assert totals["obligations"]["local"] == {
        "holds": 2,
        "repaired": 0,
        "fails": 1,
        "unknown": 0,
    }


def test_what_is_not_analysed_is_listed_all_the_same(door, tree, write):
    write(tree / "lib/lost.c", LOST)
    done = door("--format", "json", "lib")
    assert done.returncode == 2
    found = reported(done)
    (mapping,) = found["mappings"]
    (lost,) = found["not_analysed"]
    assert (lost["file"], lost["function"]) == ("lib/lost.c", "lost")
    assert (mapping["line"], mapping["column"]) == (5, 6)
    assert mapping["page"] == "pages[0] .page"
    assert mapping["verdict"] == "not-analysed"
    assert mapping["reason"] == lost["reason"]
    for obligation in mapping["obligations"]:
        assert obligation["state"] == "unknown"
        assert obligation["evidence"].startswith("lib/lost.c:5: not analysed: ")
    assert found["totals"]["functions"]["not-analysed"] == 1


def test_call_outside_of_functions_is_not_passed_over(door, tree, write):
    write(tree / "lib/odd.c", "int x = kunmap_atomic(a);\n")
    done = door("lib/odd.c")
    assert done.returncode == 2
    assert "lib/odd.c:1 (outside of functions) not-analysed: " in done.stdout


def test_call_spatch_does_not_show_loses_its_function(door, tree, write):
    hidden = "#if 0\n\tkunmap_atomic(kmap_atomic(page));\n#endif\n}\n"
    one = GOOD[: GOOD.index("\n}\n") + 1]
    write(tree / "lib/zero.c", one + hidden)
    found = reported(door("--format", "json", "lib"))
    states = [m["verdict"] for m in found["mappings"]]
    assert len(states) == 2
    assert "convert" not in states


def test_same_input_same_report(door):
    assert door("--format", "json").stdout == door("--format", "json").stdout


def test_text(door):
    done = door()
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "fs/: 1 convert, 2 keep"
    assert lines[1] == "fs/good.c:5:12 good kmap_atomic(page) convert"
    assert lines[2].startswith("fs/good.c:13:12 stored kmap(page) keep: local: fs/")
    assert lines[3].startswith("    next: see that this thread alone reads own->addr")
    assert lines[4].startswith("fs/good.c:14:12 stored kmap(b) keep: stored() is ")
    assert lines[5].startswith("    next: with the mapping of line 13: see that this")
    assert lines[6].startswith("fs/good.c:24:2 put finding: paired: ")
    assert lines[7:9] == ["", "fs/sub/"]
    assert "local: 1 fails, 2 holds" in lines
    assert lines[-2:] == [
        "1 macros, 2 findings",
        "3 mappings in 2 files: 1 convert, 2 keep, 0 not-analysed",
    ]
    assert "3 functions: 1 convert, 2 keep, 0 not-analysed" in lines


def test_nothing_to_report(door):
    done = door("--format", "json", "mm/clean.c")
    assert done.returncode == 0
    assert reported(done)["mappings"] == []
    assert "0 mappings in 0 files" in door("mm/clean.c").stdout


def test_fail_on_kept(door):
    assert door("--fail-on", "kept").returncode == 1


def test_report_into_a_file(door, tmp_path):
    out = tmp_path / "report.json"
    out.write_text("old")
    out.chmod(0o640)
    done = door("--format", "json", "--out", out)
    assert done.stdout.startswith(f"{out}: 3 mappings in 2 files: ")
    assert len(json.loads(out.read_text())["mappings"]) == 3
    assert out.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [out.name]


@pytest.mark.parametrize("name", ["none/report.json", "linux"])
def test_bad_out_is_refused_before_the_work(door, tmp_path, name):
    done = door("--out", tmp_path / name)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"kmaplocal: {tmp_path / name}: ")
    assert done.stderr.count("\n") == 1


def test_link_and_device_stay_what_they_are(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    output.write(link, "new")
    assert link.is_symlink() and target.read_text() == "new"
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE) as reader:
        output.write(fifo, "text")
        assert reader.communicate()[0] == b"text"
    assert fifo.is_fifo()


def test_old_calls():
    text = GOOD + MACRO + "void f(void)\n{\n\treturn kmap(a(b, c)[1], d);\n}\n"
    lines = text.count("\n")
    names = [(3, 9, "good"), (11, 20, "stored"), (22, 25, "put")]
    spans = [Span(name, first, last) for first, last, name in names]
    outline = Outline(text, [*spans, Span("f", lines - 3, lines)])
    found = oldcalls.old_calls(outline)
    assert [(call.name, call.page) for call in found[-2:]] == [
        ("kunmap", "page"),
        ("kmap", "a(b, c)[1]"),
    ]
    assert [call.span.name for call in found if call.span] == (
        ["good"] * 2 + ["stored"] * 4 + ["put", "f"]
    )
    assert all(call.span for call in found)


def test_text_of_nothing_lost_and_lost():
    found = report.report("6.1", [])
    assert listing.as_text(found).endswith("0 not-analysed\n")
    assert json.loads(report.as_json(found)) == found


def test_proofs_are_told(tmp_path):
    proofs = {
        "fs/b.c": [Proof("identity", "passed", "all but f"), Proof("boot", "passed")]
    }
    found = report.with_proofs(report.report("6.1", []), proofs)
    jsonschema.validate(found, json.loads(report.SCHEMA.read_text()))
    assert found["proved"] == [
        {"file": "fs/b.c", "by": ["identity (all but f)", "boot"]}
    ]
    line = "fs/b.c proved by: identity (all but f), boot"
    assert line in listing.as_text(found).splitlines()
    assert "proved" not in report.with_proofs(report.report("6.1", []), {})
