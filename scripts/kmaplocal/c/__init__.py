# SPDX-License-Identifier: GPL-2.0-only
"""C as a text: tokens, outline, conditionals, syntax tree, control flow, types."""
