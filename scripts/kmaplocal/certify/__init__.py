# SPDX-License-Identifier: GPL-2.0-only
"""Certificates: the obligations of every mapping, by what was seen of it in flow/."""
