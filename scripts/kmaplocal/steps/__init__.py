# SPDX-License-Identifier: GPL-2.0-only
"""Next steps: what a person has to change where a mapping is kept."""
