# SPDX-License-Identifier: GPL-2.0-only
"""The time a whole run may take: what is not reached in it is not analysed."""

from __future__ import annotations

import time


class TimeOver(Exception):
    """The run has no time left for this."""


class Deadline:
    """When the run is to end; never, until it is set."""

    def __init__(self) -> None:
        self._seconds: float | None = None
        self._end = 0.0

    def set(self, seconds: float | None) -> None:
        """Give the run SECONDS from now on; None for as long as it takes."""
        self._seconds = seconds
        self._end = time.monotonic() + (seconds or 0)

    @property
    def over(self) -> bool:
        """Whether no time is left."""
        return self._seconds is not None and time.monotonic() > self._end

    def check(self) -> None:
        """Raise TimeOver when no time is left."""
        if self.over:
            raise TimeOver(f"not reached in the {self._seconds:g} seconds of TIME=")

    def within(self, timeout: float) -> float:
        """TIMEOUT, or the seconds that are left where they are fewer.

        Raises TimeOver when none is."""
        self.check()
        left = timeout if self._seconds is None else self._end - time.monotonic()
        return max(min(timeout, left), 0.01)


RUN = Deadline()
