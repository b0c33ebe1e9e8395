# SPDX-License-Identifier: GPL-2.0-only
"""A kernel tree as Debian ships it, read from its tarball without unpacking it."""

from __future__ import annotations

import hashlib
import json
import lzma
import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path

from kmaplocal.errors import KmaplocalError

FOLDER = Path("/usr/src")


class BadTarball(KmaplocalError):
    """The tarball cannot be read to its end."""


class Tarball:
    """linux-source-VERSION.tar.xz. Reading it takes a dozen seconds, so what was
    read is kept below MEMORY, a folder."""

    def __init__(self, path: Path, memory: Path):
        """PATH is the tarball. Raises OSError when there is none."""
        status = path.stat()
        self.path = path
        self._memory = memory / f"{path.name}-{status.st_size}-{status.st_mtime_ns}"

    def digests(self) -> dict[str, str]:
        """The SHA-256 of each file. Raises BadTarball; OSError."""
        listing = self._memory / "digests.json"
        if not listing.exists():
            found = {p: hashlib.sha256(text).hexdigest() for p, text in self._members()}
            self._memory.mkdir(parents=True, exist_ok=True)
            _write(listing, json.dumps(found).encode())
        return json.loads(listing.read_bytes())

    def read(self, paths: Collection[str]) -> dict[str, bytes]:
        """The content of each of PATHS. Raises BadTarball; OSError."""
        if not all(self._kept(path).exists() for path in paths):
            for path, content in self._members():
                if path in paths:
                    _write(self._kept(path), content)
        return {path: self._kept(path).read_bytes() for path in paths}

    def _kept(self, path: str) -> Path:
        return self._memory / "files" / path

    def _members(self) -> Iterator[tuple[str, bytes]]:
        try:
            # "r|xz" would take a stream that is cut off for one that ends.
            with (
                lzma.open(self.path) as stream,
                tarfile.open(fileobj=stream, mode="r|") as archive,
            ):
                for member in archive:
                    content = archive.extractfile(member)
                    if member.isfile() and content is not None:
                        yield member.name.partition("/")[2], content.read()
                stream.read()
        except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
            raise BadTarball(
                f"{self.path}: cannot be read ({error}); install its package again"
            ) from None


def find(version: str, memory: Path) -> Tarball | None:
    """The tarball of Debian's linux-source of VERSION ("6.1"), if it is installed.

    What is read of it is kept below MEMORY."""
    path = FOLDER / f"linux-source-{version}.tar.xz"
    return Tarball(path, memory) if path.is_file() else None


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(content)
    fresh.replace(path)
