# SPDX-License-Identifier: GPL-2.0-only
"""farm.py: a picture of a tree with other files in it; the tree stays as it is."""

from pathlib import Path

import pytest

from kmaplocal.prove.farm import BuiltInPlace, Farm

AIO = Path("fs/aio.c")


@pytest.fixture
def farm(kernel, tmp_path):
    return Farm(kernel, tmp_path / "farm")


def seen(folder):
    """Every file one can reach below FOLDER, through links too."""
    found, folders = {}, [folder]
    while folders:
        for entry in folders.pop().iterdir():
            if entry.is_dir():
                folders.append(entry)
            else:
                found[str(entry.relative_to(folder))] = entry.read_bytes()
    return found


def test_other_content_in_the_farm_alone(farm, kernel, contents):
    before, picture = contents(kernel), seen(kernel)
    farm.prepare([AIO])
    farm.put({AIO: b"other"})
    assert seen(farm.folder) == {**picture, str(AIO): b"other"}
    assert (farm.folder / "mm").is_symlink()
    farm.put({AIO: b"again"})
    assert (farm.folder / AIO).read_bytes() == b"again"
    assert contents(kernel) == before


def test_another_run_sees_the_tree_as_it_is_then(farm, kernel, write):
    farm.prepare([AIO])
    farm.put({AIO: b"other"})
    write(kernel / "fs/new.c", "new")
    (kernel / "mm/clean.c").unlink()
    farm.prepare([Path("mm/a b.c")])
    farm.put({Path("mm/a b.c"): b"b"})
    assert seen(farm.folder) == {**seen(kernel), "mm/a b.c": b"b"}
    farm.prepare([AIO])
    farm.put({AIO: b"other"})
    assert seen(farm.folder) == {**seen(kernel), str(AIO): b"other"}


def test_git_tells_source_from_product(farm, committed, write):
    write(committed / ".gitignore", "*.o\n/.config\n")
    write(committed / ".config", "CONFIG_X=y\n")
    write(committed / "fs/aio.o", "object")
    write(committed / "fs/new.c", "not committed")
    farm.prepare([AIO])
    farm.put({AIO: b"other"})
    found = seen(farm.folder)
    assert found[str(AIO)] == b"other"
    assert {"fs/new.c", "mm/clean.c"} <= found.keys()
    assert not {".config", "fs/aio.o"} & found.keys()


def test_built_in_place_without_git(farm, kernel, write):
    write(kernel / ".config", "CONFIG_X=y\n")
    with pytest.raises(BuiltInPlace, match="mrproper"):
        farm.prepare([AIO])
