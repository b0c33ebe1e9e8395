# SPDX-License-Identifier: GPL-2.0-only
"""What needs highmem is a note where an architecture has none."""

import pytest
from flagging import finding

from kmaplocal.findings.architectures import noted


@pytest.fixture
def tree(tmp_path, write):
    """A kernel with highmem on one of two architectures."""
    write(tmp_path / "arch/arm/Kconfig", "config ARM\n\nconfig HIGHMEM\n\tbool\n")
    write(tmp_path / "arch/arm64/Kconfig", "config ARM64\n\tdef_bool y\n")
    return tmp_path


@pytest.mark.parametrize(
    "file, rule, severity",
    [
        ("arch/arm64/mm/a.c", "kmap-off-page", "note"),
        ("arch/arm64/mm/a.c", "kmap-sleep-atomic", "error"),
        ("arch/arm/mm/a.c", "kmap-off-page", "error"),
        ("arch/riscv/mm/a.c", "kmap-off-page", "error"),  # nothing is known of it
        ("fs/a.c", "kmap-off-page", "error"),
    ],
)
def test_severity_is_that_of_the_architecture(tree, file, rule, severity):
    (told,) = noted([finding(file, 3, rule, "error")], tree)
    assert told.severity == severity
    assert ("(arm64 has no highmem)" in told.message) is (severity == "note")
