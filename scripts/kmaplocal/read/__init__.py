# SPDX-License-Identifier: GPL-2.0-only
"""Reads: the tree, one file before spatch, spatch itself, and its facts."""
