# SPDX-License-Identifier: GPL-2.0-only
"""definitions.py: where functions and members are defined, on small trees."""

from pathlib import Path

import pytest

from kmaplocal.c import tags
from kmaplocal.tree.definitions import ALIAS, MACRO, Definitions

BODY = "{\n\treturn 0;\n}\n"
FILES = {
    "include/linux/a.h": "#ifdef A\nint both(void);\n#else\n"
    f"static inline int both(void)\n{BODY}#endif\n"
    "#define twice(x) ((x) + (x))\n#define other both\n#define itself itself\n"
    "struct s {\n\tchar name[16];\n\tstruct page *page;\n"
    "\tstruct_group(head,\n\t\tu8 inside[4];\n\t);\n\tDECLARE_BITMAP(bits, 32);\n"
    "\tint last __packed;\n};\n",
    "fs/a.c": f"static int mine(int x)\n{BODY}int both(void)\n{BODY}"
    "struct own { short name; };\nint user(void) { return near(mine(1)); }\n",
    "fs/b.c": f"int\nnear(int x)\n{BODY}static int mine(int x)\n{BODY}",
    "net/c.c": f"int near(int x)\n{BODY}int alone(void) {{ return near(1); }}\n",
    "arch/x86/lib/m.c": f"void *memcpy(void *a)\n{BODY}",
    "arch/arm/lib/m.c": f"void *memcpy(void *a)\n{BODY}int armed(void)\n{BODY}",
    "arch/x86/boot/m.c": f"void *memcpy(void *a)\n{BODY}",
    "lib/string.c": f"void *memcpy(void *a)\n{BODY}",
    "tools/t.c": f"int alone(void)\n{BODY}",
}


@pytest.fixture
def found(tmp_path, write):
    for name, text in FILES.items():
        write(tmp_path / name, text)
    return Definitions(tmp_path)


def where(places):
    return sorted(str(place.file) for place in places)


def test_functions_in_one_go(found):
    places = found.functions(["mine", "near", "none"])
    assert [(str(p.file), p.line, p.end) for p in places["mine"]] == [
        ("fs/a.c", 1, 4),
        ("fs/b.c", 6, 9),
    ]
    assert where(places["near"]) == ["fs/b.c", "net/c.c"]
    assert [p.static for p in places["mine"] + places["near"]] == [
        True,
        True,
        False,
        False,
    ]
    assert places["none"] == []


@pytest.mark.parametrize(
    "name, kinds", [("twice", [MACRO]), ("other", [ALIAS]), ("itself", [])]
)
def test_macros(found, name, kinds):
    assert [place.kind for place in found.functions([name])[name]] == kinds


def test_a_prototype_or_call_is_no_definition(found, write):
    write(found.tree / "fs/p.c", "int called(int a,\n\tint b);\nmodule_init(called)\n")
    assert found.functions(["called"]) == {"called": []}


def test_tools_only_when_near(found):
    assert where(found.functions(["alone"])["alone"]) == ["net/c.c"]
    near = found.functions(["alone"], near=Path("tools/t.c"))
    assert where(near["alone"]) == ["net/c.c", "tools/t.c"]


def test_absolute_near_and_odd_names(found):
    near = found.tree / "tools"
    assert len(found.functions(["alone"], near=near)["alone"]) == 2
    assert found.functions(["", "a b", "x*"]) == {"": [], "a b": [], "x*": []}


@pytest.mark.parametrize(
    "name, caller, files",
    [
        ("mine", "fs/a.c", ["fs/a.c"]),
        ("mine", "net/c.c", []),
        ("mine", "fs/new.c", ["fs/a.c", "fs/b.c"]),  # may be included as text
        ("near", "fs/a.c", ["fs/b.c"]),
        ("near", "mm/x.c", ["fs/b.c", "net/c.c"]),
        ("both", "mm/x.c", ["fs/a.c", "include/linux/a.h"]),
        ("memcpy", "mm/x.c", ["arch/x86/lib/m.c", "lib/string.c"]),
        ("memcpy", "lib/x.c", ["arch/x86/lib/m.c", "lib/string.c"]),
        ("memcpy", "arch/arm/mm/x.c", ["arch/arm/lib/m.c", "lib/string.c"]),
        ("armed", "mm/x.c", ["arch/arm/lib/m.c"]),
        ("none", "mm/x.c", []),
    ],
)
def test_resolve(found, name, caller, files):
    assert where(found.resolve(name, Path(caller))) == files


def test_members(found):
    types = found.members(["name", "page", "inside", "bits", "last", "gone"])
    assert types == {
        "name": {"char[16]"},
        "page": {"struct page *"},
        "inside": {"u8[4]"},
        "bits": {"unsigned long[32]"},
        "last": {"int"},
        "gone": set(),
    }


def test_what_is_prepared_is_the_same(found):
    names = ["name", "page", "inside", "bits", "last", "gone"]
    prepared = Definitions(found.tree)
    prepared.prepare()
    assert prepared.members(names) == found.members(names)
    assert prepared.functions(names) == found.functions(names)


LIKELY = ["both", "twice", "other", "itself", "mine", "near", "alone", "memcpy", "none"]


@pytest.mark.parametrize("name", LIKELY)
def test_a_name_alone_is_looked_for_as_all_are(found, name):
    prepared, foreseen = Definitions(found.tree), Definitions(found.tree)
    prepared.prepare()
    foreseen.foresee([name])
    known = prepared.functions([name])
    assert found.functions([name]) == known == foreseen.functions([name])
    assert bool(known[name]) == (name not in ("itself", "none"))


def test_files_that_may_define_what_maps(found, write):
    write(found.tree / "fs/maps.c", f"int near(int x)\n{BODY}/* kunmap(p) */\n")
    ahead = Definitions(found.tree)
    ahead.foresee(["near"])
    for each in (found, ahead):
        where_to = each.mapping(["near", "alone", "memcpy"])
        assert where_to == {"near": {"fs/maps.c"}, "alone": set(), "memcpy": set()}


def test_many_looks_for_a_few_names_become_one(found):
    assert [bool(found.functions([name])[name]) for name in LIKELY] == [
        name not in ("itself", "none") for name in LIKELY
    ]


def test_members_of_a_given_file_stay_with_it(found):
    given = found.members(["name"], [Path("fs/a.c")])
    assert given == {"name": {"char[16]", "short"}}
    assert found.members(["name"]) == {"name": {"char[16]"}}


def test_ctags_failure_is_said(found, tmp_path, write, monkeypatch):
    script = "#!/bin/sh\n[ $1 = --version ] && echo Universal Ctags && exit\n"
    fake = write(tmp_path / "bin/ctags", script + "echo broken >&2\nexit 3\n", 0o755)
    monkeypatch.setenv("CTAGS", str(fake))
    with pytest.raises(tags.TagsError, match="broken"):
        found.functions(["mine"])


def test_what_a_structure_is_made_of(found, tmp_path):
    """Every header that defines it is told of; a mention is no definition."""
    folder = found.tree / "include"
    folder.mkdir(exist_ok=True)
    (folder / "event.h").write_text("\nstruct event {\n\tint a;\n} __packed;\n")
    (folder / "other.h").write_text("struct event *e;\nstruct events { int b; };\n")
    assert found.structs(["event", "none", "a-b"]) == {
        "event": {"include/event.h": "struct event {\n\tint a;\n} __packed;\n"},
        "none": {},
        "a-b": {},
    }
