# SPDX-License-Identifier: GPL-2.0-only
"""What a patch or a commit is answerable for."""
