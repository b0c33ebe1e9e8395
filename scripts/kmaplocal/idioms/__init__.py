# SPDX-License-Identifier: GPL-2.0-only
"""Conversions that are more than new names: page helpers, and the flush that lacks."""
