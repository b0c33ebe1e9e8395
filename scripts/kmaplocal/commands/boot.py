# SPDX-License-Identifier: GPL-2.0-only
"""Boots a kernel with the change, and one without: make boot."""

from __future__ import annotations

import click

from kmaplocal.console import Console
from kmaplocal.options import JOBS, KERNEL, PLACE, together


@click.command("boot")
@together(KERNEL, JOBS)
@click.option(
    "--before",
    type=PLACE,
    metavar="PATH",
    help="the tree as it was; else git or Debian's tarball says",
)
@click.option(
    "--libaio",
    required=True,
    type=PLACE,
    metavar="PATH",
    help="the unpacked source package: scripts/debian-source libaio PATH",
)
@click.option(
    "--build",
    required=True,
    type=PLACE,
    metavar="PATH",
    help="a folder to work in and to keep kernels in",
)
def command(**asked) -> int:
    """Boot a HIGHMEM kernel with the change, and one without.

    The tree is only read. Exit status 1 when something stands against the change, 2
    when a changed file is not in that kernel.
    """
    from kmaplocal.prove.boot import door

    return door.boot(door.Request(**asked), Console())
