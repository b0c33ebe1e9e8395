# SPDX-License-Identifier: GPL-2.0-only
"""Throws away what runs before have kept."""

from __future__ import annotations

import click

from kmaplocal.cache import cache


@click.command("clean-cache")
def command() -> int:
    """Throw away what runs before have kept.

    It is below XDG_CACHE_HOME (~/.cache).
    """
    cache.remove()
    return 0
