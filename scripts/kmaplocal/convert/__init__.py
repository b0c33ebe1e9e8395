# SPDX-License-Identifier: GPL-2.0-only
"""Converts: what is to be done, the semantic patches' edits, and the result."""
