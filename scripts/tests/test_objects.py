# SPDX-License-Identifier: GPL-2.0-only
"""objects.py: which objects hold a file of the kernel."""

from pathlib import Path

import pytest

from kmaplocal.prove.objects import objects_of


@pytest.fixture
def tree(tmp_path, write):
    for name, text in {
        "drivers/d/own.c": '#include "own.h"\n',
        "drivers/d/parent.c": '#include "tests/part.c"\n',
        "drivers/d/tests/part.c": "int x;\n",
        "drivers/d/own.h": "# include <drivers/d/deep.h>\n",
        "drivers/d/deep.h": "int y;\n",
        "drivers/d/alone.h": "int z;\n",
        "arch/x86/x.c": "",
        "arch/arm/a.c": '#include "own.h"\n',
        "tools/t.c": "",
    }.items():
        write(tmp_path / name, text)
    return tmp_path


@pytest.mark.parametrize(
    "path, stems, note",
    [
        ("drivers/d/own.c", ("drivers/d/own",), ""),
        ("drivers/d/tests/part.c", ("drivers/d/parent",), "included by drivers/d/par"),
        ("drivers/d/own.h", ("drivers/d/own",), "included by drivers/d/own.c"),
        ("drivers/d/deep.h", ("drivers/d/own",), "included by drivers/d/own.c"),
        ("drivers/d/alone.h", (), "no file that is built here includes it"),
        ("arch/x86/x.c", ("arch/x86/x",), ""),
        ("arch/arm/a.c", (), "needs another architecture: arm"),
        ("tools/t.c", (), "tools/ is not part of the kernel"),
    ],
)
def test_objects(tree, path, stems, note):
    found = objects_of(tree, Path(path))
    assert found.stems == stems
    assert found.note.startswith(note)
