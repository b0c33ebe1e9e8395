# SPDX-License-Identifier: GPL-2.0-only
"""Addresses that functions leave for each other in a structure on the stack."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from kmaplocal.apply import conversion
from kmaplocal.progress import silent
from kmaplocal.tree.spatch import find_spatch
from kmaplocal.tree.target import Target

STRUCT = """
struct sink {
	struct page *page;
	char *addr;
	int at;
};
"""
TYPES = """
#include <linux/highmem.h>
struct sink;
typedef void (*fill_t)(struct sink *sink, int n);
struct filler {
	void (*fill)(struct sink *sink, int n);
};
void sink_end(struct sink *sink);
void sink_put(struct sink *sink, char byte);
void fill_up(struct sink *sink, int n);
"""
SINK = """
void sink_end(struct sink *sink)
{
	if (sink->addr) {
		kunmap_atomic(sink->addr);
		sink->addr = NULL;
	}
}

void sink_put(struct sink *sink, char byte)
{
	if (!sink->addr)
		sink->addr = kmap_atomic(sink->page);
	sink->addr[sink->at] = byte;
	sink->at++;
}

void begin(struct page *page, fill_t fill)
{
	struct sink sink;

	sink.page = page;
	sink.at = 0;
	sink.addr = NULL;
	fill(&sink, 5);
	sink_end(&sink);
}
"""
OTHER = """
#include "sink.h"

void fill_up(struct sink *sink, int n)
{
	while (n)
		sink_put(sink, n--);
}
"""
BOTH = ("sink_end", "sink_put")


@pytest.fixture
def convert(tmp_path, write):
    """convert(sink, other): what is converted of a file with the structure, beside
    another one that is given it."""

    def run(sink, other=OTHER, header=TYPES):
        write(tmp_path / "Makefile", "VERSION = 6\nPATCHLEVEL = 1\n")
        write(tmp_path / "Kconfig", "")
        write(tmp_path / "include/linux/highmem.h", "/* highmem */\n")
        write(tmp_path / "net/sink.h", header)
        write(tmp_path / "net/sink.c", '#include "sink.h"\n' + STRUCT + sink)
        write(tmp_path / "net/other.c", other)
        request = SimpleNamespace(jobs=1, timeout=60.0, target=Target)
        paths = [Path("net/sink.c")]
        worker = conversion.prepare(tmp_path, paths, find_spatch(), request, silent)
        return worker(paths[0]).converted

    return run


def test_over_files_and_by_a_pointer(convert):
    assert convert(SINK) == BOTH


@pytest.mark.parametrize(
    "old, new",
    [
        # The address goes elsewhere, or the structure does.
        ("sink->at++;", "last = sink->addr;"),
        ("sink->at++;", "last = &sink->addr;"),
        ("sink->at++;", "last = sink;"),
        ("sink->at++;", "*last = *sink;"),
        ("sink->at++;", "remember(sink);"),
        ("sink->at++;", "remember(sink->addr);"),
        ("sink.at = 0;", "last = &sink;"),
        ("sink.at = 0;", "sink = *last;"),
        ("sink.at = 0;", "memcpy(&sink, last, sizeof(sink));"),
        ("sink.at = 0;", "queue_work(run, &sink);"),
        ("struct sink sink;", "static struct sink sink;"),
        ("struct sink sink;", "struct sink sink = *last;"),
        ("struct sink sink;", "struct sink sink = { page, kmap_atomic(page) };"),
        # What it holds is not always what was mapped, or is not ended.
        ("sink_end(&sink);", ""),
        ("sink_end(&sink);", "if (page)\n\t\tsink_end(&sink);"),
        ("sink.addr = NULL;", ""),
        ("sink.addr = NULL;", "sink.addr = page_address(page);"),
        ("\t\tsink->addr = NULL;\n", ""),
        ("if (!sink->addr)", "if (sink->at)"),
        ("if (sink->addr) {", "{"),
        ("kunmap_atomic(sink->addr);", "kunmap_atomic(sink->addr - 1);"),
        ("sink->at++;", "sink->addr++;"),
        ("kunmap_atomic(sink->addr);", "kunmap_local(sink->addr);"),
        ("kunmap_atomic(sink->addr);", "kunmap(sink->page);"),
        # It needs what kmap_atomic() disables.
        ("sink->at++;", "sink->at = smp_processor_id();"),
        ("sink->at++;", "kunmap_local(kmap_local_page(sink->page));"),
        # Another mapping lies in between, and the stack is one.
        (
            "sink_end(&sink);",
            "char *p = kmap_atomic(page); sink_end(&sink);" " kunmap_atomic(p);",
        ),
    ],
)
def test_what_keeps_them(convert, old, new):
    assert SINK.count(old) == 1
    assert not set(convert(SINK.replace(old, new))) & {*BOTH}


@pytest.mark.parametrize(
    "old, new",
    [
        ("sink_put(sink, n--);", "sink_put(sink, n--), keep(sink);"),
        ("while (n)", "n += smp_processor_id();\n\twhile (n)"),
        ("while (n)", "n += this_cpu_read(count);\n\twhile (n)"),
        ("while (n)", "hook(n);\n\twhile (n)"),
        ("while (n)", "pagefault_enable();\n\twhile (n)"),
        ("while (n)", "kunmap(kmap(last));\n\twhile (n)"),
        ("while (n)", "last = container_of(sink, struct big, sink);\n\twhile (n)"),
        ("void fill_up", "struct big {\n\tstruct sink *sink;\n};\nvoid fill_up"),
        ("void fill_up", "struct sink *last;\nvoid fill_up"),
        ("void fill_up", "#define SINK struct sink\nvoid fill_up"),
        (
            "void fill_up",
            "void f(void *p)\n{\n\tsink_end((struct sink *)p);\n}\nvoid fill_up",
        ),
        ("void fill_up", "void f(void)\n{\n\tg(sizeof(struct sink));\n}\nvoid fill_up"),
        ("void fill_up", "void f(void *p)\n{\n\tstruct sink *s = p;\n}\nvoid fill_up"),
    ],
)
def test_what_keeps_them_in_another_file(convert, old, new):
    assert OTHER.count(old) == 1
    text = "extern void (*hook)(int n);\n" + OTHER.replace(old, new)
    assert convert(SINK, text) == ()


@pytest.mark.parametrize(
    "old, new",
    [
        ("sink.at = 0;\n\tsink.addr = NULL;", "sink.addr = NULL;\n\tsink.at = 0;"),
        (
            "struct sink sink;\n\n\tsink.page = page;\n\tsink.at = 0;\n"
            "\tsink.addr = NULL;",
            "struct sink sink = { .page = page };\n",
        ),
        ("sink->at++;", "if (sink->at++ > 9)\n\t\tsink_end(sink);"),
        ("fill(&sink, 5);", "do {\n\t\tfill(&sink, 5);\n\t} while (sink.at < 9);"),
        ("fill(&sink, 5);", "if (page)\n\t\tfill(&sink, 5);"),
    ],
)
def test_what_does_not_keep_them(convert, old, new):
    assert SINK.count(old) == 1
    assert convert(SINK.replace(old, new)) == BOTH


@pytest.mark.parametrize(
    "far, disabled",
    [("return n + smp_processor_id();", True), ("return n + 1;", False)],
)
def test_what_needs_no_preemption_two_files_away(tmp_path, write, far, disabled):
    write(tmp_path / "Makefile", "VERSION = 6\nPATCHLEVEL = 1\n")
    write(tmp_path / "Kconfig", "")
    write(tmp_path / "include/linux/highmem.h", "/* highmem */\n")
    write(tmp_path / "lib/far.c", f"int far(int n)\n{{\n\t{far}\n}}\n")
    write(tmp_path / "mm/near.c", "int near(int n)\n{\n\treturn far(n);\n}\n")
    body = "\tchar *p = kmap_atomic(page);\n\n\tp[0] = near(3);\n\tkunmap_atomic(p);\n"
    write(tmp_path / "fs/a.c", f"void f(struct page *page)\n{{\n{body}}}\n")
    request = SimpleNamespace(jobs=1, timeout=60.0, target=Target)
    paths = [Path("fs/a.c")]
    worker = conversion.prepare(tmp_path, paths, find_spatch(), request, silent)
    assert (b"preempt_disable" in worker(paths[0]).after) == disabled
