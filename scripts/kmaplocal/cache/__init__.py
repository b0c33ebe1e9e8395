# SPDX-License-Identifier: GPL-2.0-only
"""What earlier runs found out, on disk, and whether it still holds."""
