# SPDX-License-Identifier: GPL-2.0-only
"""complaints.py: only what was not said before is new."""

from pathlib import Path

from kmaplocal.prove import complaints
from kmaplocal.prove.alignment import align

ROOT = Path("/k/source")
SAID = """\
  CC      fs/aio.o
/k/source/fs/aio.c: In function 'f':
/k/source/fs/aio.c:3:7: warning: unused variable 'a' [-Wunused-variable]
In file included from /k/source/include/linux/mm.h:5,
                 from /k/source/fs/aio.c:1:
/k/source/include/linux/gfp.h:7: warning: odd
  CHECK   /k/source/fs/aio.c
/k/source/fs/aio.c:9:1: error: no such thing
/k/source/fs/aio.c:9:1: note: here
make[3]: *** [/k/source/scripts/Makefile.build:250: fs/aio.o] Error 1
"""


def said(*lines):
    text = "".join(f"/k/source/fs/aio.c:{n}:1: warning: {t}\n" for n, t in lines)
    return complaints.read(text, ROOT)


def test_reading():
    found = complaints.read(SAID, ROOT)
    assert [(c.source, c.file, c.line, c.kind) for c in found] == [
        ("fs/aio.c", "fs/aio.c", 3, "warning"),
        ("fs/aio.c", "include/linux/gfp.h", 7, "warning"),
        ("fs/aio.c", "fs/aio.c", 9, "error"),
    ]
    assert found[0].text == "unused variable 'a' [-Wunused-variable]"


def test_the_same_is_not_new():
    before = said((3, "x"), (3, "x"), (4, "y"))
    assert complaints.new(before, before, {}) == []


def test_one_more_of_the_same_is_new():
    assert len(complaints.new(said((3, "x")), said((3, "x"), (3, "x")), {})) == 1


def test_lines_matter_but_within_a_change():
    aligned = {"fs/aio.c": align(b"a\nb\nc\nd\n", b"a\nB\nC\nd\n")}
    assert complaints.new(said((2, "x")), said((3, "x")), aligned) == []
    assert complaints.new(said((1, "x")), said((3, "x")), aligned)
    assert complaints.new(said((4, "x")), said((1, "x")), aligned)
    assert complaints.new(said((2, "x")), said((3, "y")), aligned)
