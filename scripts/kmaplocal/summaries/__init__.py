# SPDX-License-Identifier: GPL-2.0-only
"""What other functions do to mappings and addresses, one summary each."""
