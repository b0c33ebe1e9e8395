# SPDX-License-Identifier: GPL-2.0-only
"""What was found out before, on disk: SQLite, below XDG_CACHE_HOME.

An entry is some bytes under a key that says all they depend on: the content, what
was asked, and the versions of kmaplocal and of the tools.  Two runs may use it at
once, and one may be killed: an entry is there whole or not at all.  What is found
broken is thrown away, with a line that says so.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Iterator

from kmaplocal import console

MOST_BYTES = 512 << 20
_KEPT = 0.75  # of these, once there are too many
_PATIENCE = 20.0  # seconds that one run waits for another's writing
_TOGETHER = 500  # keys in one question
_NAME = "cache.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    key BLOB PRIMARY KEY, used REAL NOT NULL, sum INTEGER NOT NULL, value BLOB NOT NULL
)
"""
_SOURCES = Path(__file__).resolve().parents[1]
_RULES = Path(__file__).resolve().parents[3] / "cocci"


class Cache:
    """The entries in a FOLDER, or none, and no trouble, when there is no FOLDER.

    Nothing that goes wrong here is an error of the run: it says so, once, and goes
    on without."""

    def __init__(self, folder: Path | None, say: Callable[[str], None] = console.error):
        self._say = say
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._wrote = False
        self.folder = folder
        if folder:
            with self._minded():
                _make(folder)
                self._connection = _open(folder / _NAME)

    @property
    def usable(self) -> bool:
        """Whether anything is kept."""
        return self._connection is not None

    def get(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """The entries with these KEYS, as far as there are any."""
        wanted, found = list(dict.fromkeys(keys)), {}
        with self._lock, self._minded():
            for start in range(0, len(wanted), _TOGETHER):
                found.update(self._some(wanted[start : start + _TOGETHER]))
        return found

    def put(self, entries: Mapping[bytes, bytes]) -> None:
        """Keep ENTRIES, all or none of them."""
        now = time.time()
        with self._lock, self._minded():
            if self._connection and entries:
                rows = [(k, now, *_packed(value)) for k, value in entries.items()]
                with self._connection:
                    self._connection.executemany(
                        "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?)", rows
                    )
                self._wrote = True

    def close(self) -> None:
        """End with no more entries than are allowed, the oldest thrown away."""
        with self._lock, self._minded():
            if self._connection and self._wrote:
                self._shrink()
        with self._lock:
            self._forget()

    def _some(self, keys: list[bytes]) -> dict[bytes, bytes]:
        if not self._connection:
            return {}
        marks = ",".join("?" * len(keys))
        asked = f"SELECT key, sum, value FROM entry WHERE key IN ({marks})"
        rows = self._connection.execute(asked, keys).fetchall()
        found = {key: _unpacked(sum_, value) for key, sum_, value in rows}
        broken = [key for key, value in found.items() if value is None]
        if broken:
            self._say(f"{self.folder}: {len(broken)} broken entries thrown away")
        with self._connection:
            self._connection.executemany(
                "DELETE FROM entry WHERE key = ?", [(key,) for key in broken]
            )
            used = f"UPDATE entry SET used = ? WHERE key IN ({marks})"
            self._connection.execute(used, [time.time(), *keys])
        return {key: value for key, value in found.items() if value is not None}

    def _shrink(self) -> None:
        assert self._connection
        size = "SELECT COALESCE(SUM(LENGTH(value)), 0) FROM entry"
        total = self._connection.execute(size).fetchone()[0]
        if total <= MOST_BYTES:
            return
        spare, gone = total - MOST_BYTES * _KEPT, []
        oldest = "SELECT key, LENGTH(value) FROM entry ORDER BY used"
        for key, length in self._connection.execute(oldest):
            if spare <= 0:
                break
            gone.append((key,))
            spare -= length
        with self._connection:
            self._connection.executemany("DELETE FROM entry WHERE key = ?", gone)
        self._connection.execute("VACUUM")

    @contextmanager
    def _minded(self) -> Iterator[None]:
        """Whatever is wrong with the cache is said, and the cache not used."""
        try:
            yield
        except _Unsafe as error:
            self._say(f"{error}; nothing is kept there (NO_CACHE=1 ends this line)")
            self._forget()
        except sqlite3.OperationalError as error:  # locked, full, read-only
            self._say(f"{self.folder}: {error}; going on without a cache")
            self._forget()
        except sqlite3.DatabaseError as error:
            self._say(f"{self.folder}: {error}; thrown away")
            self._forget()
            remove(self.folder)
        except OSError as error:
            self._say(f"{error}; going on without a cache")
            self._forget()

    def _forget(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            with suppress(sqlite3.Error):
                connection.close()


class _Unsafe(Exception):
    """Somebody else might have written what is in the folder."""


def place() -> Path:
    """The folder of the cache, by the XDG base directory specification: what is not
    an absolute path does not count."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(given) if os.path.isabs(given) else Path.home() / ".cache"
    return base / "kmaplocal"


@lru_cache
def cache() -> Cache:
    """The cache of this run; NO_CACHE in the environment is for none."""
    off = os.environ.get("NO_CACHE", "") not in ("", "0", "n", "no")
    with suppress(RuntimeError):  # no home
        return Cache(None if off else place())
    return Cache(None)


def _leave() -> None:
    """Have a process that begins as a copy of another make a connection of its own:
    SQLite forbids to use one in both, and to close it in the copy."""
    if cache.cache_info().currsize:
        _LEFT.append(cache())
        cache.cache_clear()


_LEFT: list[Cache] = []
os.register_at_fork(after_in_child=_leave)


def close() -> None:
    """End with the cache of this run, if it was used."""
    if cache.cache_info().currsize:
        cache().close()
        cache.cache_clear()


def remove(folder: Path | None = None) -> None:
    """Throw the cache away."""
    for name in (_NAME, f"{_NAME}-journal"):
        with suppress(FileNotFoundError):
            os.unlink((folder or place()) / name)


@lru_cache
def version() -> bytes:
    """A digest of all of kmaplocal that decides what is found: all of its files, but
    what Python makes of them."""
    digest = hashlib.sha256()
    for top in (_SOURCES, _RULES):
        for file in sorted(top.rglob("*")):
            if file.is_file() and file.parent.name != "__pycache__":
                name, content = file.relative_to(top), file.read_bytes()
                digest.update(b"%s\0%d\0" % (os.fsencode(name), len(content)))
                digest.update(content)
    return digest.digest()


@lru_cache
def tool(program: str) -> bytes:
    """What tells a PROGRAM from another version of it, without running it."""
    path = os.path.realpath(program)
    try:
        found = os.stat(path)
    except OSError:
        return os.fsencode(program)
    text = f"{path}\0{found.st_size}\0{found.st_mtime_ns}\0{found.st_ctime_ns}"
    return os.fsencode(text)


def key(*parts: bytes | str) -> bytes:
    """A key of PARTS, told from each other whatever is in them."""
    digest = hashlib.sha256(version())
    for part in parts:
        raw = part.encode(errors="surrogateescape") if isinstance(part, str) else part
        digest.update(b"%d\0" % len(raw))
        digest.update(raw)
    return digest.digest()


def _make(folder: Path) -> None:
    """Make FOLDER, nobody else's. Raises _Unsafe when it is not like that."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode):
        raise _Unsafe(f"{folder}: not a folder")
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise _Unsafe(f"{folder}: not yours alone (chmod 700)")


def _open(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=_PATIENCE, check_same_thread=False)
    try:
        with connection:
            connection.execute(_SCHEMA)
        with closing(connection.execute("SELECT key, used, sum FROM entry")) as found:
            found.fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _packed(value: bytes) -> tuple[int, bytes]:
    packed = zlib.compress(value, 1)
    return zlib.crc32(packed), packed


def _unpacked(sum_: object, packed: object) -> bytes | None:
    """The value; None when it is not what was kept."""
    if not isinstance(packed, bytes) or zlib.crc32(packed) != sum_:
        return None
    try:
        return zlib.decompress(packed)
    except zlib.error:
        return None
