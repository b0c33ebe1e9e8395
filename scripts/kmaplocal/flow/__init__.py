# SPDX-License-Identifier: GPL-2.0-only
"""Follows every mapping of a function along every path; no verdict is made here."""
