# SPDX-License-Identifier: GPL-2.0-only
"""What is accepted: by comments in the code, by a baseline, by what apply does."""
