# SPDX-License-Identifier: GPL-2.0-only
"""Proves: what a compiler, a checker or a running kernel says of a conversion."""
