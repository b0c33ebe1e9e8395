# SPDX-License-Identifier: GPL-2.0-only
"""Findings: what is wrong with a mapping, old or new, and how a CI job hears of it."""
