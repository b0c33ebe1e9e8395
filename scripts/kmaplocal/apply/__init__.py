# SPDX-License-Identifier: GPL-2.0-only
"""Applies: what is to be done, the semantic patches' edits, and the result."""
