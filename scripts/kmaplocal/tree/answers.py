# SPDX-License-Identifier: GPL-2.0-only
"""What was asked about all files of a tree, and the answers: they still hold for the
files that did not change, whoever asks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

# Which files, in a folder of the tree or "" for the kernel proper,
DEFINES = "defines"  # have a line that may define this function or macro
MAPS = "maps"  # ... and the name of a map function
MENTIONS = "mentions"  # hold this word
POINTED = "pointed"  # hold this word, which a function pointer goes by
OBJECTS = "objects"  # may have objects of this structure
STRUCTS = "structs"  # may define this structure
NAMED = "named"  # hold this word, wherever they are

Question = tuple[str, str, str]  # one of these, the folder, the word
Topic = tuple[str, str]  # a question wherever it was asked: without the folder
Member = tuple[str, str, str]  # a header, a structure of it, the type


@dataclass
class Answers:
    """The files that answer each question; the members of each name, in headers; the
    words that something is pasted to, by header, once they were asked for; the headers
    that generate something; those with a structure or union; and the files with the
    name of a map function."""

    files: dict[Question, list[str]] = field(default_factory=dict)
    members: dict[str, list[Member]] = field(default_factory=dict)
    pasted: dict[str, list[str]] | None = None
    generating: set[str] = field(default_factory=set)
    structures: list[str] | None = None
    mapping: list[str] | None = None
    partial: bool = False  # some files could not be read
    used: set[Topic] = field(default_factory=set)  # what was asked by this process

    def new(self, kind: str, folder: str, words: Collection[str]) -> set[str]:
        """Those of WORDS, which are asked about now, that nobody asked about before."""
        self.used.update((kind, word) for word in words)
        return {word for word in words if (kind, folder, word) not in self.files}

    def tell(self, kind: str, folder: str, found: Mapping[str, Iterable[str]]) -> None:
        """Note which files were FOUND for each word."""
        for word, files in found.items():
            self.files[kind, folder, word] = sorted(files)

    def add(self, other: Answers) -> None:
        """Take what OTHER knows of the same tree as well."""
        self.files.update(other.files)
        self.members.update(other.members)
        self.pasted = other.pasted if self.pasted is None else self.pasted
        self.generating |= other.generating
        self.structures = self.structures or other.structures
        self.mapping = self.mapping or other.mapping
        self.partial = self.partial or other.partial
        self.used |= other.used

    def only(self, asked: Collection[Topic]) -> Answers:
        """These, without what was not ASKED."""
        kept = {q: f for q, f in self.files.items() if (q[0], q[2]) in asked}
        return replace(self, files=kept)

    def as_json(self) -> dict:
        """All there is, for from_json()."""
        return {
            "files": [[*asked, files] for asked, files in self.files.items()],
            "members": self.members,
            "pasted": self.pasted,
            "generating": sorted(self.generating),
            "structures": self.structures,
            "mapping": self.mapping,
        }


def from_json(saved: dict) -> Answers:
    """The answers that as_json() gave as SAVED."""
    return Answers(
        {(kind, folder, word): files for kind, folder, word, files in saved["files"]},
        {
            name: [(f, s, t) for f, s, t in each]
            for name, each in saved["members"].items()
        },
        saved["pasted"],
        set(saved["generating"]),
        saved["structures"],
        saved["mapping"],
    )
