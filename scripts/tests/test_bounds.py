# SPDX-License-Identifier: GPL-2.0-only
"""bounds/: which accesses stay inside the page, for a visible reason."""

import os
import subprocess

import pytest

from kmaplocal.c import syntax
from kmaplocal.bounds import Bounds, Term

HEAD = """struct pair { u64 key; u64 value; };
struct state { u32 seq; u8 uuid[16]; };
struct links { struct links *next; long flags; u8 kind; };
struct huge { u8 data[2 * PAGE_SIZE]; };
struct rec { u16 off; u32 len; };
struct named { char name[SLOT]; };
"""

PARAMS = """struct page *page, char *kaddr, size_t n, size_t off, int i, loff_t pos,
	struct rec *rec, struct pair *pair, struct huge *huge, u8 byte, u32 words[4]"""


def facts(path, repository):
    """The source of a C file, as Coccinelle reads it."""
    rules = repository / "cocci/facts.cocci"
    command = ["spatch", "--no-includes", "--very-quiet", "--sp-file", rules, path]
    environment = dict(os.environ, PATH="/usr/bin:/bin")
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    return syntax.read_facts(done.stdout)


@pytest.fixture
def ask(tmp_path, repository):
    """ask(bodies): for each body of a function, what the access in it is.

    The access is `use(offset, length)`, or `use(length)` at offset 0."""

    def ask_all(bodies, macros=None, branches=()):
        text = HEAD
        for number, body in enumerate(bodies):
            text += f"void f{number}({PARAMS})\n{{\n{body}\n}}\n"
        path = tmp_path / "bounds.c"
        path.write_text(text)
        source = facts(path, repository)
        named = {f.name: f for f in source.functions}
        answers = []
        for number in range(len(bodies)):
            function = named[f"f{number}"]
            answers.append(asked(function, source, macros, branches))
        return answers

    return ask_all


def asked(function, source, macros, branches):
    """The answer about the one use() in a function."""
    (call,) = function.calls({"use"})
    *offset, length = call.children[1:]
    bounds = Bounds(function, source, macros, branches)
    return bounds.fits([Term(e) for e in offset], length, call)


def expect(ask, answer, bodies, **more):
    """Every body has the answer given."""
    found = ask(bodies, **more)
    wrong = [(b, f) for b, f in zip(bodies, found) if f.answer != answer]
    assert not wrong


INSIDE_EXPRESSIONS = [
    "use(4096);",
    "use(PAGE_SIZE);",
    "use(0x0, 0x1000UL);",
    "use(4, PAGE_SIZE - 4);",
    "use(PAGE_SIZE - 4, 4);",
    "use(PAGE_SIZE / 2, PAGE_SIZE >> 1);",
    "use(1020 * 4, 16);",
    "use(1 << 11, 2 << 10);",
    "use(offset_in_page(pos), 1);",
    "use(pos & ~PAGE_MASK, 1);",
    "use(pos & (PAGE_SIZE - 1), 1);",
    "use(i & 63, 4033);",
    "use((n % 8) * 64, 64);",
    "use((n & 511) * sizeof(u64), sizeof(u64));",
    "use(n % PAGE_SIZE, 1);",
    "use(i % PAGE_SIZE, 1);",
    "use((n % (PAGE_SIZE / sizeof(long))) * sizeof(long), sizeof(long));",
    "use(min(n, PAGE_SIZE));",
    "use(min_t(size_t, n, PAGE_SIZE));",
    "use(off, PAGE_SIZE - off);",
    "use(off, min_t(size_t, n, PAGE_SIZE - off));",
    "use(rec->off, PAGE_SIZE - rec->off);",
    "use(rec->off & 0xff, 3841);",
    "use(clamp(n, 1, 100), 3996);",
    "use(clamp_t(size_t, n, 1, 100), 3996);",
    "use(n ? 16 : 4080, 16);",
    "use((u8)i, 3841);",
    "use(byte * 8, 8);",
    "use(sizeof(struct state) + sizeof(*pair) + sizeof(struct links), 4000);",
    "use(sizeof(words));",
    "use((size_t)min_t(u32, n, 40) + 4056);",
]


def test_expressions_inside(ask):
    expect(ask, "inside", INSIDE_EXPRESSIONS)


OUTSIDE_EXPRESSIONS = [
    "use(4097);",
    "use(8, PAGE_SIZE - 4);",
    "use(1021 * 4, 16);",
    "use(2 * PAGE_SIZE);",
    "use(PAGE_SIZE, 1);",
    "use(sizeof(struct huge));",
    "use(sizeof(*huge));",
    "use(sizeof(huge->data));",
    "use(0 - 4, 4);",
    "size_t o = 4096;\n\tuse(o, 4);",
]


def test_expressions_outside(ask):
    expect(ask, "outside", OUTSIDE_EXPRESSIONS)


UNKNOWN_EXPRESSIONS = [
    "use(n);",
    "use(off, 16);",
    "use(off, PAGE_SIZE - n);",
    "use(offset_in_page(pos), 2);",
    "use(i, PAGE_SIZE - i);",
    "use(pos, PAGE_SIZE - pos);",
    "use(i % 8, 16);",
    "use(pos % PAGE_SIZE, 1);",
    "use(off, min_t(size_t, n, PAGE_SIZE));",
    "use(max(n, PAGE_SIZE));",
    "use(SLOT);",
    "use(size(n));",
    "use(size(n), PAGE_SIZE - size(n));",
    "use(n ? 16 : 4081, 16);",
    "use(PAGE_SIZE << compound_order(page));",
    "use(PAGE_CACHE_SIZE);",
    "use(sizeof(struct named));",
    "use(sizeof(struct elsewhere));",
    "use(off - 4, 4 + PAGE_SIZE - off);",
    "use(n++, PAGE_SIZE - n);",
    "use(n, n++ + PAGE_SIZE - n);",
    "use(rec->off, f(rec) % 2 + PAGE_SIZE - rec->off);",
    "use((char *)(rec + 4) - (char *)rec);",
    "use(1000 * sizeof(long));",
    "use(min_t(size_t, i, 8), min_t(int, i, 8));",
]


def test_expressions_unknown(ask):
    expect(ask, "unknown", UNKNOWN_EXPRESSIONS)


def test_macros(ask):
    macros = {"SLOT": ["(", "16", "*", "4", ")"], "FOO": ["foo", "(", ")"]}
    inside = ["use(SLOT, SLOT);", "use(sizeof(struct named));"]
    expect(ask, "inside", inside, macros=macros)
    expect(ask, "unknown", ["use(FOO);", "use(n % 4, BAR);"], macros=macros)
    stored = ["size_t b = 4;\n\tSLOT(b);\n\tuse(b);"]
    expect(ask, "unknown", stored, macros=macros)


BY_DEFINITION = [
    "size_t b = min(n, PAGE_SIZE);\n\tuse(b);",
    "size_t b;\n\tb = 16;\n\tuse(b);",
    "size_t o = offset_in_page(pos), b = min(n, PAGE_SIZE - o);\n\tuse(o, b);",
    "size_t o = pos & ~PAGE_MASK, b = PAGE_SIZE - o;\n\tif (n)\n\t\tuse(o, b);",
    "size_t b;\n\twhile (n--) {\n\t\tb = min(n, PAGE_SIZE);\n\t\tuse(b);\n\t}",
    "size_t b = 8;\n\tif (n)\n\t\tgoto out;\n\tuse(b);\nout:\n\treturn;",
    "size_t b = 8;\nagain:\n\tuse(b);\n\tif (n)\n\t\tgoto again;",
    "size_t b;\n\tswitch (n) {\n\tcase 1:\n\t\tb = 4;\n\t\tuse(b);\n\t}",
    "size_t b = 4;\n\tb += n;\n\tb = 8;\n\tuse(b);",
    "int o = n & 7;\n\tuse(o, 8);",
    "int j;\n\tfor (j = 0; j < 64; j++)\n\t\tuse(j * 64, 64);",
    "u16 o = n;\n\to = n & 255;\n\tuse(o, 64);",
    "size_t o = off;\n\tsize_t b = PAGE_SIZE - off;\n\tuse(o, b);",
]


def test_definitions(ask):
    expect(ask, "inside", BY_DEFINITION)


DOUBTFUL = [
    "size_t b = min(n, PAGE_SIZE);\n\tb += 1;\n\tuse(b);",
    "size_t b = min(n, PAGE_SIZE);\n\tb++;\n\tuse(b);",
    "size_t b = min(n, PAGE_SIZE);\n\tfill(&b);\n\tuse(b);",
    "size_t b = min(n, PAGE_SIZE);\n\tif (i)\n\t\tb = n;\n\tuse(b);",
    "size_t b = PAGE_SIZE - off;\n\toff = 4;\n\tuse(off, b + 4000);",
    "size_t b = PAGE_SIZE - off;\n\toff += 4;\n\tuse(off, b);",
    "size_t b = 8;\n\twhile (n--) {\n\t\tuse(b);\n\t\tb += 8;\n\t}",
    "size_t b = 8;\nagain:\n\tuse(b);\n\tb += 8;\n\tif (n)\n\t\tgoto again;",
    "size_t b = n;\n\tif (i)\n\t\tgoto in;\n\tb = 8;\nin:\n\tuse(b);",
    "size_t b = n;\n\tswitch (n) {\n\tcase 1:\n\t\tb = 4;\n\tcase 2:\n\t\tuse(b);\n\t}",
    "size_t b = 8;\n\tget_user(b, words);\n\tuse(b);",
    "size_t b = 8;\n\tREAD(b);\n\tuse(b);",
    "size_t b = 8;\n\tlist_for_each_thing(b, page) {\n\t\tuse(b);\n\t}",
    'size_t b = 8;\n\tasm volatile("nop" : "=r" (b));\n\tuse(b);',
    "size_t b = 8;\n\tif (n) {\n\t\tsize_t b = n;\n\t\tuse(b);\n\t}",
    "static size_t b = 8;\n\tuse(b);",
    "size_t b = PAGE_SIZE - rec->off;\n\tchange(page);\n\tuse(rec->off, b);",
    "size_t b = PAGE_SIZE - rec->off;\n\trec->off = 9;\n\tuse(rec->off, b);",
    "size_t b = (size_t)i;\n\tif (i > 10)\n\t\treturn;\n\tuse(b, 10);",
    "u8 o = n - 4;\n\tuse(o - 1, 4);",
    "int j;\n\tfor (j = 0; j < 64; j++) {\n\t\tj += n;\n\t\tuse(j * 64, 64);\n\t}",
    "int j;\n\tfor (j = 0; j <= 64; j++)\n\t\tuse(j * 64, 64);",
    "int o = n;\n\tuse(o, PAGE_SIZE - o);",
]


def test_definitions_in_doubt(ask):
    expect(ask, "unknown", DOUBTFUL)


GUARDED = [
    "if (n > PAGE_SIZE - off)\n\t\treturn;\n\tuse(off, n);",
    "if (off + n > PAGE_SIZE)\n\t\treturn;\n\tuse(off, n);",
    "if (unlikely(n >= PAGE_SIZE || i)) {\n\t\ti = 4;\n\t\treturn;\n\t}\n\tuse(n, 1);",
    "if (n <= 64)\n\t\tuse(n);",
    "if (n > 64)\n\t\treturn;\n\telse\n\t\tuse(n);",
    "BUG_ON(n > PAGE_SIZE);\n\tuse(n);",
    "while (n--) {\n\t\tif (n > 64)\n\t\t\tcontinue;\n\t\tuse(n);\n\t}",
    "if (i < 0 || i >= 64)\n\t\treturn;\n\tuse(i * 64, 64);",
    "size_t b = n;\n\tif (b > PAGE_SIZE)\n\t\tb = PAGE_SIZE;\n\tuse(b & 7);",
    "if (rec->off + rec->len > PAGE_SIZE)\n\t\treturn;\n\tuse(rec->off, rec->len);",
    "if (!(off <= 32 && n < 32))\n\t\treturn;\n\tuse(off, n);",
]


def test_guards(ask):
    expect(ask, "inside", GUARDED)


UNGUARDED = [
    "if (i > 10 || n > i)\n\t\treturn;\n\tuse(n);",
    "if (rec->len > 10)\n\t\treturn;\n\tuse(rec->len, f(rec));",
    "if (n > PAGE_SIZE - off)\n\t\ti = 4;\n\tuse(off, n);",
    "if (n > PAGE_SIZE - off)\n\t\treturn;\n\tn++;\n\tuse(off, n);",
    "if (n > PAGE_SIZE + 1 - off)\n\t\treturn;\n\tuse(off, n);",
    "if (n <= 64)\n\t\treturn;\n\tuse(n);",
    "if (n <= 64)\n\t\treturn;\n\telse\n\t\tuse(n);",
    "if (n > 64 && i)\n\t\treturn;\n\tuse(n);",
    "if (n <= 64 || i)\n\t\tuse(n);",
    "if (i)\n\t\tif (n > 64)\n\t\t\treturn;\n\tuse(n);",
    "if (i > 64)\n\t\treturn;\n\tuse(i, 4);",
    "if (rec->len > PAGE_SIZE)\n\t\treturn;\n\trefill(rec);\n\tuse(rec->len);",
    "if (n > 64)\n\t\treturn;\nin:\n\tuse(n);\n\tn = off;\n\tgoto in;",
    "if ((n = off) > 64)\n\t\treturn;\n\tuse(n + 1, 4032 + i);",
]


def test_guards_that_do_not_hold(ask):
    expect(ask, "unknown", UNGUARDED)


def test_definition_under_an_if_of_the_preprocessor(ask):
    body = "size_t b = n;\n#ifdef A\n\tb = 4;\n#endif\n\tuse(b);"
    line = HEAD.count("\n") + 5
    (answer,) = ask([body], branches=[(line, line + 2)])
    assert answer.answer == "unknown"


def test_reason(ask):
    body = "size_t o = offset_in_page(pos);\n"
    body += "\tsize_t b = min_t(size_t, n, PAGE_SIZE - o);\n\tuse(o, b);"
    (inside, unknown) = ask([body, "use(off, n);"])
    reason = inside.reason
    assert reason.startswith("offset + length is at most PAGE_SIZE: b is min_t(")
    assert "min_t(size_t, n, PAGE_SIZE - o)" in reason
    assert unknown.reason == "nothing in sight says that off + n is at most PAGE_SIZE"


def call_of(tmp_path, repository, body):
    """(bounds, call): the use() of one body."""
    path = tmp_path / "one.c"
    path.write_text(f"{HEAD}void f({PARAMS})\n{{\n{body}\n}}\n")
    source = facts(path, repository)
    (function,) = [f for f in source.functions if f.name == "f"]
    return Bounds(function, source), function.calls({"use"})[0]


def test_scaled_terms(tmp_path, repository):
    bounds, call = call_of(tmp_path, repository, "\tuse(n % 16, 1021, sizeof(*pair));")
    index, number, size = call.children[1:]

    def answer(terms, length):
        return bounds.fits(terms, length, call).answer

    assert answer([Term(number, 4)], 12) == "inside"
    assert answer([Term(number, 4)], 16) == "outside"
    assert answer([(index, "sizeof(struct pair)", 1)], size) == "inside"
    assert answer([(index, "sizeof(struct pair)", 1)], 4000) == "unknown"
    assert answer([(index, "sizeof(struct none)", 1)], size) == "unknown"
    assert answer([(index, "sizeof(struct links)", 1)], "struct links") == "inside"
    assert answer([Term(None, 4096), Term(number, 4, -1)], 4084) == "inside"
    assert answer([Term(None, 4), Term(number, 4, -1)], 4) == "outside"
    assert answer([], PAGE) == "inside"


PAGE = 4096


def test_term_from_before(tmp_path, repository):
    """An offset is what its expression was where it stands."""
    body = "\tchar *p = kaddr + off;\n\toff = 4;\n\tuse(p, PAGE_SIZE - off);"
    bounds, call = call_of(tmp_path, repository, body)
    offset = [e for e in bounds.reaching.function.exprs if e.text == "off"][0]
    assert bounds.fits([Term(offset)], call.children[2], call).answer == "unknown"
    body = "\tchar *p = kaddr + off;\n\tn = 4;\n\tuse(p, PAGE_SIZE - off);"
    bounds, call = call_of(tmp_path, repository, body)
    offset = [e for e in bounds.reaching.function.exprs if e.text == "off"][0]
    assert bounds.fits([Term(offset)], call.children[2], call).answer == "inside"
