# SPDX-License-Identifier: GPL-2.0-only
"""What a run costs, beside what spatch needs for a textbook semantic patch."""
