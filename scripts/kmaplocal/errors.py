# SPDX-License-Identifier: GPL-2.0-only
"""The errors a user sees: one clear line each, and the exit status it leads to."""


# What a command ends with where there is no error.
ALL_DONE, FLAGGED, NOT_ANALYSED = 0, 1, 2


class KmaplocalError(Exception):
    """Bad use or a bad environment: says what happened, where, and what to do."""

    status = 3


class NotAKernelTree(KmaplocalError):
    """The folder given as the kernel is missing, or is not a kernel source tree."""


class BadName(KmaplocalError):
    """A name in FILES that is not a C file or a folder of the tree."""


class GitTrouble(KmaplocalError):
    """Git cannot say what is committed, or what changed since a commit."""


class DirtyFiles(KmaplocalError):
    """Files that hold changes git has no copy of."""


class SpatchMissing(KmaplocalError):
    """No usable spatch: none at all, or one that is too old."""


class ReplaceFailed(KmaplocalError):
    """Files that could not be written; says what is in the tree now."""


class OutputClosed(KmaplocalError):
    """Standard output or stderr went away, as with `| head`."""


class Interrupted(KmaplocalError):
    """The user pressed ^C; says what is in the tree now."""

    status = 130
