# SPDX-License-Identifier: GPL-2.0-only
"""The patch series: what `make apply` writes, as mails that a maintainer can take.

account.py says what was done to a file, message.py puts it into words,
grouping.py makes patches of files, mails.py has git write them.
"""
