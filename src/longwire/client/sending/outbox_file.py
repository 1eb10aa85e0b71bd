"""The outbox on disk: what waits outlives the process."""

from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING, Any

import msgspec

from longwire.errors import OutboxFileError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

logger = logging.getLogger("longwire.client")

SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    args BLOB NOT NULL,
    size INTEGER NOT NULL,
    is_publication INTEGER NOT NULL,
    put_at REAL NOT NULL,
    sent_at REAL
)
"""

READ = """
SELECT number, name, args, size, is_publication, put_at, sent_at FROM waiting ORDER BY number
"""

# The byte of an error's code that names its kind.
PRIMARY = 0xFF


class Record(msgspec.Struct, frozen=True):
    """An event in the file.

    Attributes:
        number: its place in the order.
        name: the event on the wire.
        args: its arguments.
        size: bytes of its payload.
        is_publication: whether it has an id, with which it may be sent again.
        put_at: when it was put, seconds since the epoch.
        sent_at: when it was first sent; None if it never was.
    """

    number: int
    name: str
    args: Sequence[object]
    size: int
    is_publication: bool
    put_at: float
    sent_at: float | None


class OutboxFile:
    """An SQLite file that one process uses at a time.

    A record is on disk when its event was put, safe from the end of the process; after a power
    cut the newest may be missing.

    Args:
        path: the file, which is made if there is none.

    Raises:
        OutboxFileError: another process uses it, or it is none, or cannot be written.
    """

    __slots__ = ("_database", "path")

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._database = self._open()

    def read(self) -> list[Record]:
        """Return everything that waits, oldest first.

        Raises:
            OutboxFileError: it is damaged.
        """
        try:
            rows = self._database.execute(READ)
            return [
                Record(
                    number, name, msgspec.msgpack.decode(args), size, bool(kind), put_at, sent_at
                )
                for number, name, args, size, kind, put_at, sent_at in rows.fetchall()
            ]
        except (sqlite3.Error, msgspec.DecodeError) as error:
            raise OutboxFileError(self.path, str(error)) from error

    def put(
        self, name: str, args: Sequence[object], size: int, is_publication: bool, put_at: float
    ) -> int:
        """Write an event; return its number.

        Raises:
            OutboxFileError: the disk does not take it.
        """
        plain = msgspec.to_builtins(args, builtin_types=(bytes,), enc_hook=_decode_raw)
        row = (name, msgspec.msgpack.encode(plain), size, is_publication, put_at)
        statement = (
            "INSERT INTO waiting (name, args, size, is_publication, put_at) VALUES (?, ?, ?, ?, ?)"
        )
        try:
            number = self._database.execute(statement, row).lastrowid
        except sqlite3.Error as error:
            raise OutboxFileError(self.path, str(error)) from error
        return number or 0

    def mark_sent(self, number: int, sent_at: float) -> None:
        """Note when an event was first sent."""
        self._change("UPDATE waiting SET sent_at = ? WHERE number = ?", (sent_at, number))

    def drop(self, number: int) -> None:
        """Forget an event."""
        self._change("DELETE FROM waiting WHERE number = ?", (number,))

    def close(self) -> None:
        """Let another process use the file."""
        self._database.close()

    def _open(self) -> sqlite3.Connection:
        try:
            database = sqlite3.connect(
                self.path, timeout=0, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise OutboxFileError(self.path, str(error)) from error
        try:
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute(SCHEMA)
            database.execute("BEGIN IMMEDIATE")
            database.execute("COMMIT")
        except sqlite3.Error as error:
            database.close()
            is_in_use = error.sqlite_errorcode & PRIMARY == sqlite3.SQLITE_BUSY
            detail = "another process uses it" if is_in_use else str(error)
            raise OutboxFileError(self.path, detail, is_in_use=is_in_use) from error
        return database

    def _change(self, statement: str, values: tuple[object, ...]) -> None:
        # The event is on its way already: a disk that fails now must not take the connection along.
        try:
            self._database.execute(statement, values)
        except sqlite3.Error:
            logger.exception("the outbox file %s could not be written", self.path)


def _decode_raw(value: object) -> Any:
    if isinstance(value, msgspec.Raw):
        return msgspec.json.decode(value)
    raise TypeError(f"objects of type {type(value).__name__} cannot be sent")
