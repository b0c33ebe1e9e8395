# SPDX-License-Identifier: GPL-2.0-only
"""Measures what the commands cost: make bench."""

from __future__ import annotations

from pathlib import Path

import click

from kmaplocal.console import Console
from kmaplocal.home import BUILD
from kmaplocal.options import FORMAT, KERNEL, OUT, together


@click.command("bench")
@together(KERNEL, FORMAT, OUT)
@click.option("--part", "parts", multiple=True, help="only this; default: all")
@click.option("--runs", type=click.IntRange(min=1), default=3, show_default=True)
@click.option(
    "--build",
    type=click.Path(path_type=Path),
    default=BUILD / "bench",
    metavar="FOLDER",
    help="where to copy the kernel to",
)
def command(
    kernel: Path,
    build: Path,
    parts: tuple[str, ...],
    runs: int,
    form: str,
    out: Path | None,
) -> int:
    """Measure what report, flag and apply cost.

    On a copy of the kernel; beside it, a textbook semantic patch by spatch alone.
    """
    from kmaplocal.cost import bench as door
    from kmaplocal.report import output

    build.mkdir(parents=True, exist_ok=True)
    screen = Console()
    rows = door.bench(kernel, build.resolve(), parts, runs, screen)
    text = door.as_json(rows) if form == "json" else door.as_text(rows)
    if out:
        output.write(out, text)
    else:
        screen.say(text.removesuffix("\n"))
    return 0
