"""Stores the outbox in an SQLite file, so that waiting events survive the process."""

import logging
import sqlite3

import msgspec

from longwire.errors import OutboxFileError
from longwire.socketio.encoder import EncodedEvent

logger = logging.getLogger("longwire.client")

SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting (
    number INTEGER PRIMARY KEY,
    event TEXT NOT NULL,
    attachments BLOB NOT NULL,
    size INTEGER NOT NULL,
    is_publication INTEGER NOT NULL,
    put_at REAL NOT NULL,
    sent_at REAL
)
"""

READ = """
SELECT number, event, attachments, size, is_publication, put_at, sent_at
FROM waiting ORDER BY number
"""

INSERT = """
INSERT INTO waiting (event, attachments, size, is_publication, put_at) VALUES (?, ?, ?, ?, ?)
"""

# The byte of an SQLite error code that names its kind; the others are details.
PRIMARY = 0xFF

_encode_attachments = msgspec.msgpack.Encoder().encode
_decode_attachments = msgspec.msgpack.Decoder(list[bytes]).decode


class Record(msgspec.Struct, frozen=True):
    """An event in the file.

    Attributes:
        number: Its place in the order.
        event: The event, encoded.
        size: Bytes of its payload.
        is_publication: Whether it has an id, with which it may be sent again.
        put_at: When it was put, in seconds since the epoch.
        sent_at: When it was first sent; None if it never was.
    """

    number: int
    event: EncodedEvent
    size: int
    is_publication: bool
    put_at: float
    sent_at: float | None


class OutboxFile:
    """An SQLite file of waiting events, which one process uses at a time.

    An event is on disk when `put` returns, so it survives the end of the process. After a power
    failure the newest events may be missing.

    Args:
        path: The file; `open` creates it if it does not exist.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._database: sqlite3.Connection | None = None

    @property
    def is_open(self) -> bool:
        """Whether this process uses the file."""
        return self._database is not None

    def open(self) -> list[Record]:
        """Lock the file and return the events in it, oldest first.

        Raises:
            OutboxFileError: Another process uses the file, or it cannot be read or written.
        """
        database = self._connect()
        try:
            records = [
                Record(number, EncodedEvent(event, _decode_attachments(attachments)), *rest)
                for number, event, attachments, *rest in database.execute(READ)
            ]
        except (sqlite3.Error, msgspec.DecodeError) as error:
            database.close()
            raise OutboxFileError(self.path, str(error)) from error
        self._database = database
        return records

    def put(self, event: EncodedEvent, size: int, is_publication: bool, put_at: float) -> int:
        """Write an event and return its number.

        Raises:
            OutboxFileError: The file is not open, or the disk is full.
        """
        if self._database is None:
            raise OutboxFileError(self.path, "it is not open")
        attachments = _encode_attachments(event.attachments)
        row = (event.json, attachments, size, is_publication, put_at)
        try:
            return self._database.execute(INSERT, row).lastrowid or 0
        except sqlite3.Error as error:
            raise OutboxFileError(self.path, str(error)) from error

    def mark_sent(self, number: int, sent_at: float) -> None:
        """Record when an event was first sent."""
        self._change("UPDATE waiting SET sent_at = ? WHERE number = ?", (sent_at, number))

    def drop(self, number: int) -> None:
        """Delete an event."""
        self._change("DELETE FROM waiting WHERE number = ?", (number,))

    def close(self) -> None:
        """Release the file for another process."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _connect(self) -> sqlite3.Connection:
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
            # The first write transaction takes the exclusive lock, and keeps it until the close.
            database.execute("BEGIN IMMEDIATE")
            database.execute("COMMIT")
        except sqlite3.Error as error:
            database.close()
            is_in_use = error.sqlite_errorcode & PRIMARY == sqlite3.SQLITE_BUSY
            detail = "another process uses it" if is_in_use else str(error)
            raise OutboxFileError(self.path, detail, is_in_use=is_in_use) from error
        return database

    def _change(self, statement: str, values: tuple[object, ...]) -> None:
        if self._database is None:
            return
        # The event has been sent already. A disk error must not fail the connection as well.
        try:
            self._database.execute(statement, values)
        except sqlite3.Error:
            logger.exception("cannot write the outbox file %s", self.path)
