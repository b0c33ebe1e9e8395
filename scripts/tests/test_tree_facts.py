# SPDX-License-Identifier: GPL-2.0-only
"""What the OCaml script says of C is what the rules of facts.cocci match."""

import os

import pytest

from kmaplocal.tree import facts
from kmaplocal.tree.facts import Piece
from kmaplocal.tree.spatch import find_spatch
from kmaplocal.tree.standing import Pool, Reader, Unusable
from kmaplocal.c.syntax import facts_in
from kmaplocal.workers import run_all

# Each with a construct on which the two could differ.
HARD = {
    "attribute": "int f(void __user *p)\n{\n\treturn g((char __user *)p);\n}\n",
    "const after": "void f(long const n)\n{\n\tlong const m = n;\n\tg(m);\n}\n",
    "switch": "int f(int n)\n{\n\tswitch (n) {\n\tcase 1:\n\tcase 2 ... 4:\n"
    "\t\tn++;\n\t\tbreak;\n\tdefault:\n\t\treturn 2;\n\t}\n\treturn n;\n}\n",
    "bare switch": "void f(int n)\n{\n\tswitch (n) case 1: g(n);\n}\n",
    "case outside": "void f(int n)\n{\n\tcase 1: g(n);\n}\n",
    "default in a loop": "void f(int n)\n{\n\tswitch (n) {\n\t\twhile (n) {\n"
    "\t\tdefault:\n\t\t\tg(n);\n\t\t}\n\t}\n}\n",
    "for": "void f(void)\n{\n\tfor (int i = 0, j; i < 3; i++, j--) g(i);\n"
    "\tfor (;;) { h(); }\n\tfor (k = 0; ; ) if (k) ; else break;\n}\n",
    "list": "void f(struct l *h)\n{\n\tlist_for_each_entry(p, h, n)\n\t\tg(p);\n}\n",
    "computed goto": "void f(void)\n{\n\tgoto *p;\n}\nvoid g(void)\n{\n\th();\n}\n",
    "no such label": "void f(void)\n{\n\tgoto out;\n}\n",
    "a label twice": "void f(void)\n{\na:\n\tg();\na:\n\th();\n}\n",
    "labels": "void f(void)\n{\n\tgoto b;\na: b:\n\tg();\n\tgoto a;\n}\n",
    "nested": "void f(void)\n{\n\tint g(int n)\n\t{\n\t\treturn n;\n\t}\n\tg(1);\n}\n",
    "break outside": "void f(void)\n{\n\tbreak;\n}\n",
    "continue in a switch": "void f(int n)\n{\n\tswitch (n) {\n\tcase 1:\n"
    "\t\tcontinue;\n\t}\n}\n",
    "do that returns": "int f(int n)\n{\n\tdo {\n\t\treturn n;\n\t} while (0);\n}\n",
    "do that continues": "int f(int n)\n{\n\tdo {\n\t\tif (n)\n\t\t\tcontinue;\n"
    "\t\telse\n\t\t\treturn n;\n\t} while (0);\n}\n",
    "do with a switch": "int f(int n)\n{\n\tdo {\n\t\tswitch (n) {\n\t\tcase 1:\n"
    "\t\t\treturn 1;\n\t\tdefault:\n\t\t\treturn 2;\n\t\t}\n\t} while (n);\n}\n",
    "do with one that breaks": "int f(int n)\n{\n\tdo {\n\t\tswitch (n) {\n"
    "\t\tcase 1:\n\t\t\tbreak;\n\t\tdefault:\n\t\t\treturn 2;\n\t\t}\n"
    "\t} while (n);\n\treturn 1;\n}\n",
    "statement expression": "int f(int n)\n{\n\tint m = ({ int k = n; if (k) k++;"
    " k; });\n\tg(({ out: h(n); }));\n\treturn m;\n}\n",
    "structures": "struct a {\n\tint n, *m;\n\tunsigned b:3;\n\tunion { int u; };\n"
    "\tstruct { int v; } in;\n\tvoid (*f)(int x);\n#ifdef X\n\tlong l;\n#endif\n"
    "};\ntypedef struct b { int c; } d;\ntypedef struct { int e; } g;\n"
    "struct h { int i; } j;\nunion k { int l; };\nstruct m { } __packed;\n",
    "variables": "static int a = 1, *b, c[3] = { 1, [2] = 2 };\nextern int d(int e);\n"
    "int (*g)(int h);\ntypedef int i;\nDEFINE_MUTEX(j);\n"
    "void k(void)\n{\n\tregister int l, m = 2;\n\tLIST_HEAD(n);\n\tint o[N];\n}\n",
    "parameters": "int a(int b, struct c *d, ...)\n{\n\treturn b;\n}\n"
    "void e(void)\n{\n}\nvoid f(int (*g)(int h), register int i, int j[])\n{\n}\n"
    "int k(l, m) int l; char *m;\n{\n\treturn l;\n}\n",
    "macros": "#define A(x) do { g(x); return; } while (0)\n#define B(x) (x + 1)\n"
    "#define C { 1, 2 }\n#define D(x) if (x) g(x)\n#define E struct e *\n"
    "#define F(x) do { g(x); } while (0)\n#define G(x) { g(x); break; }\n#undef B\n"
    "#define H(n) static int n(int x) { return x; }\n"
    "#define K(n) static int f_ ## n(int x) { int n ## _a = x; return x; }\n"
    "void i(int n)\n{\n#define J 3\n\tg(J);\n#pragma x\n}\nMODULE_X(a, 1 + b);\n",
    "macro that is used": "#define LOOP(n, B) { void __user *base; (void)n; B }\n"
    "#define EACH(n, B) LOOP(n, B)\nvoid f(int k)\n{\n\tEACH(k, { g(base); } )\n"
    "\tEACH(k, { h(base); } )\n}\n",
    "both halves": "void f(int n)\n{\n#ifdef A\n\tg(n);\n#else\n\th(n);\n#endif\n"
    "#if defined(B) && C\n\tg(n);\n#endif\n}\n#if D\nint e;\n#endif\n",
    "half a statement": "void f(int n)\n{\n#ifdef A\n\tif (n) {\n#else\n\t{\n"
    "#endif\n\t\tg(n);\n\t}\n}\n",
    "#if 0": "void f(int n)\n{\n#if 0\n\tg(n);\n#else\n\th(n);\n#endif\n}\n",
    "#if in an initialiser": "static struct o p = {\n\t.a = 1,\n#ifdef X\n\t.b = 2,\n"
    "#endif\n};\n",
    "#if in a type": "void f(void)\n{\n\tint\n#ifdef X\n\tconst\n#endif\n"
    "\t*p = g();\n}\n",
    "asm": 'void f(void)\n{\n\tasm volatile("mov %0, %1" : "=r" (a) : "r" (b));\n}\n',
    "long": "void f(void)\n{\n" + '\tg(1234567890, "é");\n' * 90 + "}\n",
    "long block": "void f(int n)\n{\n\tif (n) {\n"
    + '\t\tg(12345, "é");\n' * 90
    + "\t}\n}\n",
    "macro of Coccinelle's own": "\nDECLARE_PER_CPU(unsigned long, a);\n"
    "#define S TO_LONGS(N)\nstatic DECLARE_BITMAP(map, N);\n"
    "void f(void)\n{\n\tDECLARE_BITMAP(bits, N);\n\tg(bits);\n}\n",
    "macro behind a macro": "#define IN(n, B, K) { g(n); B }\n"
    "#define OUT(n, B) \\\n\tIN(n, B, ((void)(n), 0))\n"
    "int f(int k)\n{\n\tOUT(k, ({ int l = h(k); l; }))\n\treturn k;\n}\n",
    "not parsed": "void f(void)\n{\n\tFOO { BAR ) ;\n}\nvoid g(void)\n{\n\th();\n}\n",
    "empty": "",
    "no C": "\x01\x02 \xff",
    "cast": "int f(long n)\n{\n\treturn ((struct a *)n)->b + sizeof(int)"
    " + sizeof n;\n}\n",
    "literals": 'char *f(void)\n{\n\tint a[] = (int []){ 1 };\n\tg(L"a" "b", \'c\');\n'
    "\treturn a ?: b;\n}\n",
}


@pytest.fixture(autouse=True)
def however_little(monkeypatch):
    """A process is started for the smallest piece."""
    monkeypatch.setattr(facts, "ENOUGH", 0)


# Later versions make graphs of functions in functions; here they are not analysed.
if find_spatch().version >= (1, 2):
    del HARD["nested"]


def by_both(paths):
    """For each of the files: what the script said, and what the rules said."""
    spatch = find_spatch()

    def by_tree(path):
        with facts.TREE_READERS.reader(spatch) as reader:
            return reader.read(path, 60)

    def by_rules(batch):
        return spatch.run_each(facts.RULES, batch, timeout=600, env=facts.ENVIRONMENT)

    trees = run_all(paths, by_tree)
    batches = run_all([paths[n : n + 40] for n in range(0, len(paths), 40)], by_rules)
    return zip(paths, trees, [run for batch in batches for run in batch])


def differences(paths):
    """What only one of the two said, file by file."""
    found = {}
    for path, tree, rules in by_both(paths):
        if bool(tree.failures) != bool(rules.failures) or tree.lost != rules.lost:
            found[path.name] = (tree.failures, rules.failures, tree.lost, rules.lost)
        elif facts_in(tree.stdout) != facts_in(rules.stdout):
            found[path.name] = sorted(
                set(facts_in(tree.stdout)) ^ set(facts_in(rules.stdout))
            )
    return found


def test_hard_ones(tmp_path, write):
    paths = [
        write(tmp_path / f"{number}" / f"{name.replace(' ', '_')}.c", text)
        for number, (name, text) in enumerate(HARD.items())
    ]
    assert not differences(paths)


def test_the_same_gaps(monkeypatch):
    """Of #if groups too, which the rules alone do not tell."""
    pieces = [Piece(f"{n}.c", text, held=True) for n, text in enumerate(HARD.values())]
    trees = read(*pieces)
    monkeypatch.setattr(facts, "_by_tree", lambda *_: {})
    for piece, tree, rules in zip(pieces, trees, read(*pieces)):
        assert tree.printed == rules.printed, piece.text
        assert set(tree.lost) == set(rules.lost), piece.text


def test_all_fixtures(repository):
    assert not differences(sorted((repository / "fixtures").rglob("*.c")))


# -- through the driver's own door -------------------------------------------------

GOOD = "\n\nvoid good(char *p)\n{\n\tuse(p);\n}\n"
HALF = "void half(int x)\n{\n#ifdef A\n\tif (x) {\n#else\n\t{\n#endif\n\t}\n}\n"


@pytest.fixture
def pool(monkeypatch):
    """A pool of readers of this test alone."""
    pool = Pool(facts.TREE, facts.ENVIRONMENT)
    monkeypatch.setattr(facts, "TREE_READERS", pool)
    yield pool
    pool.close()


@pytest.fixture
def started(monkeypatch):
    """The readers that were started."""
    readers = []
    before = Reader._start

    def start(self, *rest):
        readers.append(self)
        return before(self, *rest)

    monkeypatch.setattr(Reader, "_start", start)
    return readers


def read(*pieces, timeout=60, workers=1):
    return facts.read(pieces, find_spatch(), timeout, workers)


def names(fact):
    return [(f.name, f.line) for f in fact.source.functions]


def test_one_process_reads_them_all(pool, started):
    first, last = read(Piece("a/x.c", GOOD), Piece("b/y z.h", "/* */\n" + GOOD))
    assert names(first) == [("good", 3)] and names(last) == [("good", 4)]
    assert names(*read(Piece("c.c", GOOD))) == [("good", 3)]
    assert len(started) == 1
    pool.close()
    assert not started[0].alive


def test_what_is_left_of_another_file_does_not_count(pool):
    """A type or a macro of one file is none in the next."""
    types = Piece("a.c", "typedef int number;\n#define WRAP(x) { x; }\n")
    uses = Piece("b.c", "void f(void)\n{\n\tnumber (*p);\n\tWRAP(g());\n}\n")
    (alone,) = read(uses)
    assert repr(read(types, uses)[1]) == repr(alone)


def test_halves_are_told_where_asked(pool):
    asked, other = read(Piece("a.c", HALF, held=True), Piece("b.c", HALF))
    assert asked.lost and not other.lost


def test_the_right_half_of_equal_ones(pool, write, tmp_path):
    """Both functions have the line; the second one's is passed over."""
    whole = "void first(int x)\n{\n#ifdef A\n\tg(x);\n#endif\n}\n"
    (fact,) = read(Piece("a.c", whole + HALF.replace("half", "second"), held=True))
    assert {gap.line for gap in fact.lost} >= {9, 11, 13}
    assert not {gap.line for gap in fact.lost} & {3, 5}


def test_one_that_takes_too_long(pool, started):
    big = "void f(void)\n{\n" + "\tg(1 + 2);\n" * 40000 + "}\n"
    read(Piece("a.c", GOOD))
    slow, good = read(Piece("b.c", big), Piece("c.c", GOOD), timeout=0.5)
    assert slow.lost == "spatch took longer than 0.5 seconds"
    assert good.lost == "spatch took longer than 0.5 seconds" or names(good)
    assert not started[0].alive


def test_one_that_ends_the_process(pool, started):
    read(Piece("a.c", GOOD))
    os.kill(started[0]._process.pid, 9)
    started[0]._process.wait()
    assert names(*read(Piece("b.c", GOOD))) == [("good", 3)]
    assert len(started) == 2


SCRIPT = """
@initialize:ocaml@
@@
let () =
  print_string "end\\n"; flush_all ();
  (try while true do %s done with End_of_file -> ())

@unused@
expression E;
@@
* E
"""


def answer(tmp_path, write, work):
    """What a reader whose script does WORK for each name says of a file."""
    rules = write(tmp_path / "r.cocci", SCRIPT % work)
    reader = Reader(find_spatch(), rules, facts.ENVIRONMENT)
    try:
        return reader.read(write(tmp_path / "a.c", GOOD), 20), reader.alive
    finally:
        if reader.alive:
            reader.close()


@pytest.mark.parametrize(
    "work",
    [
        'ignore (input_line stdin); failwith "no"',
        "ignore (input_line stdin); raise End_of_file",
        'ignore (input_line stdin); print_string "x"; raise End_of_file',
    ],
)
def test_a_reader_that_ends_before_it_answered(tmp_path, write, work):
    run, alive = answer(tmp_path, write, work)
    assert run.failures and not alive


def test_an_exception_is_a_failure_of_its_file(tmp_path, write):
    work = 'ignore (input_line stdin); prerr_endline "EXN: no"; '
    work += 'print_string "end\\n"; flush_all ()'
    run, alive = answer(tmp_path, write, work)
    assert run.failures == ("spatch: EXN: no",) and alive


# -- without an OCaml compiler -----------------------------------------------------


def test_rules_are_used_instead(monkeypatch, capsys, tmp_path):
    """Said once, however many files there are and wherever they are read."""
    pool = Pool(facts.TREE, {"PATH": str(tmp_path)})
    monkeypatch.setattr(facts, "TREE_READERS", pool)
    for _ in range(2):
        found = read(Piece("a.c", GOOD), Piece("b.c", GOOD), workers=2)
        assert [names(fact) for fact in found] == [[("good", 3)]] * 2
    said = capsys.readouterr().err
    assert said.count("runs no OCaml script") == 1


def test_a_script_that_does_not_compile(tmp_path, write):
    text = facts.TREE.read_text().replace("let most = 1000", "let most = true")
    rules = write(tmp_path / "broken.cocci", text)
    with pytest.raises(Unusable):
        Reader(find_spatch(), rules, facts.ENVIRONMENT)
    assert not list(tmp_path.glob("kmaplocal-*"))


def test_little_is_read_without_compiling(pool, started, monkeypatch):
    """Nothing is started for it; a process that is there is used."""
    monkeypatch.setattr(facts, "ENOUGH", 1000)
    assert names(*read(Piece("a.c", GOOD))) == [("good", 3)]
    assert not started
    assert len(read(Piece("a.c", GOOD), Piece("b.c", GOOD * 40), workers=2)) == 2
    assert len(started) == 1 or len(started) == 2
    count = len(started)
    assert names(*read(Piece("a.c", GOOD))) == [("good", 3)]
    assert len(started) == count
