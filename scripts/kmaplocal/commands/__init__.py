# SPDX-License-Identifier: GPL-2.0-only
"""The commands: a file for each, which reads, asks and prints."""
