# SPDX-License-Identifier: GPL-2.0-only
"""What upstream did to mapping functions, beside what kmaplocal does."""
