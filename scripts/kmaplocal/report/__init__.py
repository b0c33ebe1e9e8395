# SPDX-License-Identifier: GPL-2.0-only
"""The report for a browser: one static page of one or several trees."""
