# SPDX-License-Identifier: GPL-2.0-only
"""Tells: the doors that print, and what they print."""
