# SPDX-License-Identifier: GPL-2.0-only
"""Judges: every mapping along every path, and what is to be said of it."""
