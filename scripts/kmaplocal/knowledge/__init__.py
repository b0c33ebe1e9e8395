# SPDX-License-Identifier: GPL-2.0-only
"""What is known of the kernel's functions: one table, a row a function."""
