# SPDX-License-Identifier: GPL-2.0-only
"""What is asked for because it is not known yet: one worklist of typed requests.

Who drives the analysis takes the requests, finds out, makes it known, and has those
that asked ask again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, Union

from kmaplocal.flow.pointers import Pointer

Name = tuple[str, str]  # the file of a caller, and a name that is called in it


@dataclass(frozen=True)
class Definition:
    """Where a function that is called by this name is defined, and its body."""

    name: Name


@dataclass(frozen=True)
class MayMap:
    """Whether a function that is called by this name may map or unmap."""

    name: Name


@dataclass(frozen=True)
class Member:
    """The types of all members of this name."""

    name: str


@dataclass(frozen=True)
class Layout:
    """The members of this structure."""

    struct: str


Request = Union[Definition, MayMap, Member, Layout, Pointer]
R = TypeVar("R", Definition, MayMap, Member, Layout, Pointer)


class Worklist:
    """The requests that nobody answered yet, each once. `asked` counts how often
    something was not known: where it stays the same, all was."""

    def __init__(self) -> None:
        self._pending: dict[Request, None] = {}
        self.asked = 0

    def ask(self, request: Request) -> None:
        """Ask for what is not known."""
        self._pending.setdefault(request)
        self.asked += 1

    def wait(self) -> None:
        """Say that what was asked for by somebody else is not known yet."""
        self.asked += 1

    def pending(self, kind: type[R]) -> list[R]:
        """The requests of a KIND, which stay."""
        return [request for request in self._pending if isinstance(request, kind)]

    def take(self, kind: type[R]) -> list[R]:
        """The requests of a KIND, in the order they came, which are answered now."""
        found = self.pending(kind)
        for request in found:
            del self._pending[request]
        return found
