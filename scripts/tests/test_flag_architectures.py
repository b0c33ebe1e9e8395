# SPDX-License-Identifier: GPL-2.0-only
"""What needs highmem is a note where an architecture, or a machine, has none."""

import pytest
from flagging import finding

from kmaplocal.findings.architectures import noted
from kmaplocal.tree import objects

ARM = """\
config ARM
	def_bool y
	help
	  It has no
	  if X86_64 that is
config MMU
	bool "Paging"
config HIGHMEM
	bool "High memory"
	depends on MMU
"""
MIXED = """\
config 64BIT
	bool "64-bit kernel"

config SPARC32
	def_bool !64BIT

config SPARC64
	def_bool 64BIT

config HIGHMEM
	bool
	default y if SPARC32

config LDOMS
	bool "Domains"
	depends on SPARC64
"""
DRIVERS = """\
menuconfig NET
	bool "Network"
if NET
config BY_LDOMS
	tristate "For domains"
	depends on LDOMS && (A || B)
config BY_ONE
	tristate "For any"
	depends on LDOMS || ARM
config OF_ARM
	tristate "For one"
	depends on ARM=y && \\
		   LDOMS
endif
config OF_64
	bool
	default y if 64BIT
"""
MAKEFILE = """\
obj-$(CONFIG_BY_LDOMS) += ldoms.o # LDOMS
obj-$(CONFIG_BY_ONE) += any.o
obj-$(CONFIG_OF_ARM) += arm.o
obj-$(CONFIG_OF_64) += \\
	whole.o \\
	other.o
whole-y := part.o
whole-$(CONFIG_BY_ONE) += one.o two.o
obj-y += two.o deep/
"""


@pytest.fixture
def tree(tmp_path, write):
    """A kernel with highmem on two of three architectures, on one for 32 bits."""
    write(tmp_path / "arch/arm/Kconfig", ARM)
    write(tmp_path / "arch/arm64/Kconfig", "config ARM64\n\tdef_bool y\n")
    write(tmp_path / "arch/sparc/Kconfig", MIXED)
    write(tmp_path / "drivers/Kconfig", DRIVERS)
    write(tmp_path / "drivers/Makefile", MAKEFILE)
    return tmp_path


@pytest.mark.parametrize(
    "file, rule, severity",
    [
        ("arch/arm64/mm/a.c", "kmap-off-page", "note"),
        ("arch/arm64/mm/a.c", "kmap-sleep-atomic", "error"),
        ("arch/arm/mm/a.c", "kmap-off-page", "error"),
        ("arch/sparc/mm/a.c", "kmap-off-page", "error"),
        ("arch/riscv/mm/a.c", "kmap-off-page", "error"),  # nothing is known of it
        ("fs/a.c", "kmap-off-page", "error"),
        ("drivers/ldoms.c", "kmap-off-page", "note"),
        ("drivers/ldoms.c", "kmap-leak", "error"),
        ("drivers/any.c", "kmap-off-page", "error"),
        ("drivers/arm.c", "kmap-off-page", "error"),
        ("drivers/part.c", "kmap-off-page", "note"),
        ("drivers/one.c", "kmap-off-page", "note"),
        ("drivers/two.c", "kmap-off-page", "error"),  # for itself as well
        ("drivers/deep/a.c", "kmap-off-page", "error"),
        ("drivers/ldoms.h", "kmap-off-page", "error"),
    ],
)
def test_severity_is_that_of_the_machines(tree, file, rule, severity):
    (told,) = noted([finding(file, 3, rule, "error")], tree)
    assert told.severity == severity
    assert told.message.endswith(")") is (severity == "note")


@pytest.mark.parametrize(
    "file, why",
    [
        ("arch/arm64/mm/a.c", "(arm64 has no highmem)"),
        ("drivers/ldoms.c", "(CONFIG_BY_LDOMS rules highmem out)"),
    ],
)
def test_it_says_why(tree, file, why):
    (told,) = noted([finding(file, 3, "kmap-off-page", "error")], tree)
    assert told.message.endswith(why)


@pytest.mark.parametrize(
    "file, expected",
    [
        ("drivers/ldoms.c", {"BY_LDOMS"}),
        ("drivers/other.c", {"OF_64"}),
        ("drivers/one.c", {"OF_64", "BY_ONE"}),
        ("drivers/two.c", set()),
        ("drivers/nowhere.c", set()),
        ("drivers/ldoms.h", set()),
    ],
)
def test_settings_are_those_of_the_makefile(tree, file, expected):
    assert objects.settings(tree, file) == expected
