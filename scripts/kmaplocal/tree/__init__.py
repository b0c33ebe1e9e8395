# SPDX-License-Identifier: GPL-2.0-only
"""The source tree: its files and kernel, what is defined where, and spatch over it."""
