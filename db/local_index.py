"""What is known of a folder of audio, in one SQLite file beside it: the memory of `musicspace dj build`.

Every finished file is committed at once, so that a build that is killed goes on where it was. The journal is SQLite's
plain one: unlike a write-ahead log, it also works on network file systems and lets read-only media be read.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from core.errors import PermanentError

FILE_NAME = "index.sqlite3"
_FORMAT = 1
_WAIT_S = 30.0
_UNREADABLE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)

# Paths are bytes: names of files need not be text.
_SCHEMA = """
    CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE files (
        id INTEGER PRIMARY KEY AUTOINCREMENT, path BLOB NOT NULL UNIQUE, size_bytes INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL, content_hash TEXT, version TEXT NOT NULL, error_code TEXT, error_message TEXT
    );
    CREATE INDEX ix_files_content_hash ON files (content_hash);
    CREATE TABLE analyses (
        file_id INTEGER PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE, description TEXT NOT NULL,
        profiles BLOB NOT NULL, intro BLOB NOT NULL, outro BLOB NOT NULL
    );
"""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file as it was when it was last looked at; `path` is relative to the folder of audio.

    `version` names what its analysis was made with; another one means that it must be made anew.
    """

    path: str
    size_bytes: int
    mtime_ns: int
    content_hash: str | None
    version: str
    error_code: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class StoredFile(FileEntry):
    """A file under the id that it keeps when it is moved."""

    id: int = 0


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was heard in a file: a JSON object, packed profiles, and little-endian float32 vectors."""

    description: str
    profiles: bytes
    intro: bytes
    outro: bytes


@dataclass(frozen=True, slots=True)
class Move:
    """Where a known content lies now."""

    file_id: int
    path: str
    size_bytes: int
    mtime_ns: int


class LocalIndex:
    """The store of one index folder. Used by one thread; made where it is missing, unless `read_only`.

    Raises
    ------
    PermanentError
        `dj-index-corrupt`: the file is no such store; `dj-index-unwritable`: it cannot be written.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self._file = folder / FILE_NAME
        location = f"{self._file.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
        with self._told():
            self._connection = sqlite3.connect(location, uri=True, timeout=_WAIT_S, isolation_level=None)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def settings(self) -> dict[str, str]:
        """What the index was built with."""
        return dict(self._all("SELECT name, value FROM settings"))

    def set_settings(self, settings: Mapping[str, str]) -> None:
        """Remember what the index is built with."""
        with self._transaction():
            self._connection.executemany("INSERT OR REPLACE INTO settings VALUES (?, ?)", settings.items())

    def files(self) -> list[StoredFile]:
        """Every file, whether it could be analyzed or not."""
        rows = self._all(
            "SELECT path, size_bytes, mtime_ns, content_hash, version, error_code, error_message, id FROM files"
        )
        return [StoredFile(os.fsdecode(path), *rest) for path, *rest in rows]

    def put(self, file: FileEntry, analysis: Analysis | None) -> None:
        """Record what became of a file, in place of what was known under its path."""
        with self._transaction():
            (file_id,) = self._connection.execute(
                """
                INSERT INTO files (path, size_bytes, mtime_ns, content_hash, version, error_code, error_message)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (path) DO UPDATE SET size_bytes = excluded.size_bytes, mtime_ns = excluded.mtime_ns,
                    content_hash = excluded.content_hash, version = excluded.version,
                    error_code = excluded.error_code, error_message = excluded.error_message
                RETURNING id
                """,
                _values(file),
            ).fetchone()
            self._connection.execute("DELETE FROM analyses WHERE file_id = ?", (file_id,))
            if analysis is not None:
                self._connection.execute(
                    "INSERT INTO analyses VALUES (?, ?, ?, ?, ?)",
                    (file_id, analysis.description, analysis.profiles, analysis.intro, analysis.outro),
                )

    def rearrange(self, moves: Iterable[Move], removed: Iterable[int]) -> None:
        """Give files their new paths, or only sizes and times, and forget others; ids stay. All of it or nothing."""
        moves = list(moves)
        with self._transaction():
            self._connection.executemany("DELETE FROM files WHERE id = ?", ((file_id,) for file_id in removed))
            # Two files may have swapped their names: nobody holds a name while the new ones are given.
            self._connection.executemany(
                "UPDATE files SET path = ? WHERE id = ?", ((b"\0%d" % move.file_id, move.file_id) for move in moves)
            )
            self._connection.executemany(
                "UPDATE files SET path = ?, size_bytes = ?, mtime_ns = ? WHERE id = ?",
                ((os.fsencode(move.path), move.size_bytes, move.mtime_ns, move.file_id) for move in moves),
            )

    def copy(self, file: StoredFile, path: str, size_bytes: int, mtime_ns: int) -> None:
        """The same content lies at this path, too."""
        known = replace(file, path=path, size_bytes=size_bytes, mtime_ns=mtime_ns)
        self.put(known, self.analysis(file.id))

    def analysis(self, file_id: int) -> Analysis | None:
        """The analysis of one file."""
        rows = self._all("SELECT description, profiles, intro, outro FROM analyses WHERE file_id = ?", file_id)
        return Analysis(*rows[0]) if rows else None

    def find(self, content_hash: str, version: str) -> int | None:
        """The id that a content of this version has among `analyses`."""
        rows = self._all(
            "SELECT min(id) FROM files WHERE content_hash = ? AND version = ? AND error_code IS NULL",
            content_hash,
            version,
        )
        return None if rows[0][0] is None else int(rows[0][0])

    def count(self, version: str) -> int:
        """How many `analyses` there are."""
        query = """
            SELECT count(DISTINCT coalesce(content_hash, id)) FROM files WHERE version = ? AND error_code IS NULL
        """
        return int(self._all(query, version)[0][0])

    def analyses(self, version: str) -> Iterator[tuple[int, str, Analysis]]:
        """Id, path and analysis of each content of a version, by id; of copies only the one that was found first."""
        with self._told():
            rows = self._connection.execute(
                """
                SELECT id, path, description, profiles, intro, outro FROM files JOIN analyses ON file_id = id
                WHERE id IN (SELECT min(id) FROM files WHERE version = ? AND error_code IS NULL
                             GROUP BY coalesce(content_hash, id))
                ORDER BY id
                """,
                (version,),
            )
            for file_id, path, *rest in rows:
                yield file_id, os.fsdecode(path), Analysis(*rest)

    def _prepare(self) -> None:
        with self._told():
            self._connection.execute("PRAGMA foreign_keys = ON")
            (found,) = self._connection.execute("PRAGMA user_version").fetchone()
        if found == 0 and not self._all("SELECT 1 FROM sqlite_master LIMIT 1"):
            with self._told():
                self._connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_FORMAT}; COMMIT;")
        elif found != _FORMAT:
            raise PermanentError(
                "dj-index-corrupt",
                f"{self._file} has format {found}, this version of MusicSpace reads {_FORMAT}. Choose another folder.",
            )

    def _all(self, query: str, *values: Any) -> list[Any]:
        with self._told():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise _typed(self._file, error) from error


def _values(file: FileEntry) -> tuple[Any, ...]:
    return (
        os.fsencode(file.path),
        file.size_bytes,
        file.mtime_ns,
        file.content_hash,
        file.version,
        file.error_code,
        # A name that is no text may be quoted in it.
        None if file.error_message is None else file.error_message.encode(errors="replace").decode(),
    )


def _typed(file: Path, error: sqlite3.DatabaseError) -> PermanentError:
    # The low byte is the primary code; an error of the module itself has none.
    if (getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF) in _UNREADABLE:
        return PermanentError("dj-index-corrupt", f"{file} cannot be read ({error}). Delete it and build again.")
    return PermanentError("dj-index-unwritable", f"{file} cannot be used ({error}).")
