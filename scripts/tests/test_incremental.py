# SPDX-License-Identifier: GPL-2.0-only
"""After a change only what rests on it is made again, and it is what a run without a
cache makes."""

import os

import pytest

from kmaplocal import cli
from kmaplocal.c import outline
from kmaplocal.cache import incremental, cache
from kmaplocal.certify import analysis, learner

MAPS = """\
#include <linux/highmem.h>

static int {name}(struct page *page)
{{
	char *p = kmap(page);

	{use};
	kunmap(page);
	return 0;
}}
"""
FILES = {
    "fs/one/fills.c": MAPS.format(name="one", use="fill_it(p)"),
    "fs/two/macro.c": MAPS.format(name="two", use="FILL(p)"),
    "fs/six/deep.c": MAPS.format(name="six", use="fill_deep(p)"),
    "drivers/three/ops.c": '#include "ops.h"\n'
    + MAPS.format(name="three", use="the_ops->fill(p)").replace(
        "struct page *page", "struct three_ops *the_ops, struct page *page"
    ),
    "drivers/three/ops.h": "struct three_ops {\n\tvoid (*fill)(char *p);\n};\n",
    "drivers/three/first.c": '#include "ops.h"\n'
    "static void fill_three(char *p)\n{\n\tp[3] = 3;\n}\n"
    "struct three_ops first_ops = {\n\t.fill = fill_three,\n};\n",
    "drivers/four/member.c": MAPS.format(
        name="four", use="memcpy(p, buffer->bytes, sizeof(buffer->bytes))"
    ).replace("struct page *page", "struct buffer *buffer, struct page *page"),
    "include/linux/fill.h": "#define FILL(p) memset(p, 0, 4)\nint fill_it(char *p);\n"
    "static inline int fill_deep(char *p)\n{\n\treturn fill_deeper(p);\n}\n",
    "include/linux/buffer.h": "struct buffer {\n\tchar bytes[16];\n};\n",
    "lib/fill.c": "int fill_it(char *p)\n{\n\tp[0] = 1;\n\treturn 0;\n}\n",
    "lib/deeper.c": "int fill_deeper(char *p)\n{\n\tp[0] = 1;\n\treturn 0;\n}\n",
    "net/wrap.c": "#include <linux/highmem.h>\n\n"
    "void *wrap_map(struct page *page)\n{\n\treturn kmap_atomic(page);\n}\n\n"
    "void wrap_unmap(void *p)\n{\n\tkunmap_atomic(p);\n}\n",
    "net/five/wrapped.c": "#include <linux/highmem.h>\n\n"
    "static void five(struct page *page)\n{\n\tchar *p = wrap_map(page);\n\n"
    "\tp[0] = 1;\n\twrap_unmap(p);\n}\n"
    + MAPS.format(name="five_more", use="p[0] = 1").split("\n", 2)[2],
    "net/five/user.c": "static void user(struct page *page)\n{\n"
    "\tchar *p = wrap_map(page);\n\n\tp[0] = 1;\n\twrap_unmap(p);\n}\n",
}
KEEPS = "\tkept_for_later = p;\n"


def stores(text):
    return text.replace("{\n\tp[", "{\n" + KEEPS + "\tp[")


# Of each change: the files, each with what becomes of it, and the folders that have to
# be looked at again, at most; None: all.
CHANGES = {
    "nothing": ({}, set()),
    "a callee keeps it": ({"lib/fill.c": stores}, {"fs/one"}),
    "a callee's callee keeps it": ({"lib/deeper.c": stores}, {"fs/six"}),
    "a second definition": (
        {"mm/fill.c": lambda _: stores(FILES["lib/fill.c"])},
        {"fs/one"},
    ),
    "a macro is another": (
        {"include/linux/fill.h": lambda text: text.replace("memset(p,", "keep_it(p,")},
        {"fs/one", "fs/two", "fs/six"},
    ),
    "a pointer can be another function": (
        {
            "drivers/three/second.c": lambda _: '#include "ops.h"\n'
            "static void fill_other(char *p)\n{\n\tkept_for_later = p;\n}\n"
            "struct three_ops other_ops = {\n\t.fill = fill_other,\n};\n"
        },
        {"drivers/three"},
    ),
    "the function a pointer is keeps it": (
        {"drivers/three/first.c": stores},
        {"drivers/three"},
    ),
    "an initialiser by position": (
        {
            "drivers/three/third.c": lambda _: '#include "ops.h"\n'
            "struct three_ops third_ops = { fill_it };\n"
        },
        {"drivers/three"},
    ),
    "a member is a pointer": (
        {"include/linux/buffer.h": lambda text: text.replace("bytes[16]", "*bytes")},
        None,
    ),
    "another member of the name": (
        {"include/linux/other.h": lambda _: "struct other {\n\tchar *bytes;\n};\n"},
        None,
    ),
    "a wrapper is no more": (
        {"net/wrap.c": lambda text: text.replace("kmap_atomic", "map_it")},
        {"net", "net/five"},
    ),
    "a wrapper is used as a value": (
        {"net/five/user.c": lambda text: text + "void *used = wrap_map;\n"},
        {"net", "net/five"},
    ),
    "a callee is gone": ({"lib/fill.c": lambda _: None}, {"fs/one"}),
    "a candidate is gone": ({"fs/one/fills.c": lambda _: None}, set()),
    "a candidate more": (
        {"fs/seven.c": lambda _: MAPS.format(name="seven", use="fill_it(p)")},
        {"fs"},
    ),
    "a candidate beside": (
        {"fs/one/more.c": lambda _: MAPS.format(name="more", use="fill_deep(p)")},
        {"fs/one"},
    ),
    "a candidate itself": (
        {"fs/two/macro.c": lambda text: text.replace("FILL(p)", "kept_for_later = p")},
        {"fs/two"},
    ),
    "something that nobody asks for": (
        {"kernel/own.c": lambda _: "int something_else(void)\n{\n\treturn 0;\n}\n"},
        set(),
    ),
    "another version": ({"Makefile": lambda text: text.replace("6", "5", 1)}, None),
    "a Kconfig": ({"fs/Kconfig": lambda _: "config FS\n"}, set()),
}

QUIET = (
    "nothing",
    "a member is a pointer",
    "another member of the name",
    "something that nobody asks for",
    "a Kconfig",
)


@pytest.fixture
def tree(kernel, write):
    """A tree in which every file rests on others in a way of its own."""
    for name in ("fs/aio.c", "mm/a b.c"):
        (kernel / name).unlink()
    for name, text in FILES.items():
        write(kernel / name, text)
    return kernel


@pytest.fixture
def run(tree, tmp_path, monkeypatch, capsys):
    """run(words, anew): what the driver prints, and the folders it looked at; ANEW:
    without earlier results."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("NO_CACHE", raising=False)
    looked = set()
    analyse = analysis.Analysis.run

    def noted(self, paths, *arguments):
        names = [str(path) for path in paths]
        looked.update(name.rpartition("/")[0] for name in names)
        return analyse(self, names, *arguments)

    monkeypatch.setattr(analysis.Analysis, "run", noted)

    def ask(words, anew=False):
        looked.clear()
        with monkeypatch.context() as patched:
            if anew:
                patched.setattr(incremental, "_state", lambda _root: None)
            status = cli.main([words[0], "--kernel", str(tree), *words[1:], "."])
        output = capsys.readouterr()
        assert "Traceback" not in output.err
        return (status, output.out), set(looked)

    yield ask
    cache.close()


REPORT = ("report", "--format", "json")
FLAG = ("flag", "--format", "json", "--fail-on", "never")
APPLY = ("apply", "--dry-run")


def change(tree, write, files):
    """Change FILES of the tree; what they were before."""
    before = {}
    for name, become in files.items():
        path = tree / name
        before[name] = path.read_text() if path.exists() else None
        text = become(before[name] or "")
        if text is None:
            path.unlink()
        else:
            write(path, text)
    return {name: (lambda _, text=text: text) for name, text in before.items()}


@pytest.mark.parametrize("words", [REPORT, APPLY], ids=lambda words: words[0])
def test_what_is_made_again_is_what_is_made_anew(run, tree, write, words):
    first, every = run(words)
    assert len(every) == 7
    for name, (files, most) in CHANGES.items():
        back = change(tree, write, files)
        found, looked = run(words)
        assert found == run(words, anew=True)[0], name
        assert (found == first) == (name in QUIET) or words is APPLY, name
        assert looked <= most if most is not None else looked >= every, name
        change(tree, write, back)
        assert run(words)[0] == first, f"back from {name}"
        assert run(words) == (first, set())


USED = """\
void user(struct page *page)
{
	char *p = wrap_map(page);

	p[0] = 1;
}
"""


def test_findings_are_one_result(run, tree, write):
    first, _ = run(FLAG)
    for name in ("something that nobody asks for", "a callee is gone", "a Kconfig"):
        back = change(tree, write, CHANGES[name][0])
        found, looked = run(FLAG)
        assert found == run(FLAG, anew=True)[0], name
        assert bool(looked) == (name != "something that nobody asks for"), name
        change(tree, write, back)
        assert run(FLAG)[0] == first
    for folder in ("tools/vm", "kernel", "net/five"):
        write(tree / folder / "used.c", USED)
        assert run(FLAG)[0] == run(FLAG, anew=True)[0] != first, folder
        (tree / folder / "used.c").unlink()
        assert run(FLAG)[0] == first, folder


def test_the_grounds_of_another_run_are_not_taken(run, tree, write, monkeypatch):
    places = []
    keep = incremental._Place.keep

    def noted(place, *given):
        places.append(place)
        keep(place, *given)

    monkeypatch.setattr(incremental._Place, "keep", noted)
    run(REPORT)
    (before,) = cache.cache().get([places[0].dependencies]).values()
    change(tree, write, CHANGES["a callee keeps it"][0])
    found, _ = run(REPORT)
    cache.cache().put({places[0].dependencies: before})
    change(tree, write, CHANGES["a candidate itself"][0])
    again_, looked = run(REPORT)
    assert len(looked) == 7
    assert again_ == run(REPORT, anew=True)[0] != found


def test_what_cannot_be_read_is_asked_for_again(tree, run, write):
    """Answers without a file that may not be read are not kept."""
    closed = write(tree / "net/closed.c", "int closed;\n", 0o000)
    if os.access(closed, os.R_OK):
        pytest.skip("root may read all")
    run(REPORT)
    closed.chmod(0o644)
    assert len(run(REPORT)[1]) == 7


def test_who_reads_a_file_without_asking_rests_on_it(run, tree, write, monkeypatch):
    """What no answer is about is for all, as nobody knows whom it is for."""
    other = write(tree / "virt/read.c", "int read_by_somebody;\n")
    learn = learner.Learner.learn

    def reading(self):
        outline.read(other)
        return learn(self)

    monkeypatch.setattr(learner.Learner, "learn", reading)
    run(REPORT)
    write(other, "int read_by_nobody;\n")
    assert len(run(REPORT)[1]) == 7
