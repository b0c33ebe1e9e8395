# SPDX-License-Identifier: GPL-2.0-only
"""Judges: what is to be said of every mapping, by what was seen of it in flow/."""
