# SPDX-License-Identifier: GPL-2.0-only
"""record.py: what a door said of a change is found for that change alone."""

import json
from pathlib import Path

import pytest

from kmaplocal.prove import record

PATH = "fs/aio.c"
OLD, NEW, OTHER = b"kmap(page);\n", b"kmap_local_page(page);\n", b"other\n"


@pytest.fixture
def book(kernel, tmp_path):
    """book(function, *arguments): call it for fs/aio.c with records kept aside."""

    def call(function, *arguments, **named):
        return function(kernel, PATH, *arguments, folder=tmp_path / "proofs", **named)

    return call


def proved(*change, **how):
    """The doors that let a change pass, of all that is recorded of it."""
    return record.proved(record.recorded(*change, **how))


def test_what_passed_is_found_in_the_order_of_the_doors(book):
    book(record.add, OLD, NEW, record.BOOT, record.PASSED)
    book(record.add, OLD, NEW, record.IDENTITY, record.PASSED, "all but f")
    book(record.add, OLD, NEW, record.SPARSE, record.FAILED)
    book(record.add, OLD, NEW, record.I386, record.UNCHECKED)
    assert [str(p) for p in book(proved, NEW)] == [
        "identity (all but f)",
        "boot",
    ]
    assert len(book(record.recorded, NEW)) == 4


def test_another_content_is_not_proved(book):
    book(record.add, OLD, NEW, record.SPARSE, record.PASSED)
    assert book(proved, OLD) == []
    assert book(proved, OTHER) == []
    assert book(proved, NEW, before=OTHER) == []
    assert book(proved, NEW, before=OLD)


def test_the_last_word_of_a_door_counts(book):
    book(record.add, OLD, NEW, record.SPARSE, record.PASSED)
    book(record.add, OLD, NEW, record.SPARSE, record.FAILED)
    assert book(proved, NEW) == []


def test_what_speaks_against_one_change_counts_for_all_that_end_so(book):
    book(record.add, OLD, NEW, record.SPARSE, record.PASSED)
    book(record.add, OTHER, NEW, record.SPARSE, record.FAILED)
    assert book(proved, NEW) == []
    assert book(proved, NEW, before=OLD)


def test_kernels_of_another_version_are_apart(book, kernel):
    book(record.add, OLD, NEW, record.SPARSE, record.PASSED)
    (kernel / "Makefile").write_text("VERSION = 6\nPATCHLEVEL = 12\n")
    assert book(proved, NEW) == []


def test_unknown_words_are_refused(book):
    with pytest.raises(ValueError):
        book(record.add, OLD, NEW, "luck", record.PASSED)
    with pytest.raises(ValueError):
        book(record.add, OLD, NEW, record.BOOT, "fine")


def test_a_damaged_record_is_named(book, tmp_path):
    book(record.add, OLD, NEW, record.BOOT, record.PASSED)
    file = tmp_path / "proofs/linux-6.1/fs/aio.c.json"
    assert json.loads(file.read_text())
    file.write_text("{")
    with pytest.raises(record.CannotRecord, match="not a record"):
        book(proved, NEW)


def test_a_folder_that_cannot_be_written_is_named(book, tmp_path):
    (tmp_path / "proofs").write_text("")
    with pytest.raises(record.CannotRecord, match="not recorded"):
        book(record.add, OLD, NEW, record.BOOT, record.PASSED)


def test_the_files_spoken_of(book, kernel, tmp_path):
    folder = tmp_path / "proofs"
    assert record.spoken_of(kernel, folder) == []
    book(record.add, OLD, NEW, record.BOOT, record.PASSED)
    assert record.spoken_of(kernel, folder) == [Path(PATH)]
