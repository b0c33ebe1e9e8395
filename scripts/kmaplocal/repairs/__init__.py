# SPDX-License-Identifier: GPL-2.0-only
"""Repairs: what makes an obligation hold that fails as the code stands."""
