# SPDX-License-Identifier: GPL-2.0-only
"""The rules: each looks at one function, and has a page beside it."""
