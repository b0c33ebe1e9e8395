# SPDX-License-Identifier: GPL-2.0-only
"""Flags: what is wrong with a mapping, old or new, and how a CI job hears of it."""
