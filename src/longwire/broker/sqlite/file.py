"""The SQLite file of room logs. Synchronous: one thread opens it, writes it and closes it.

The file may hold more than the logs do: an entry that was superseded, folded or dropped goes
with a later transaction than the one that brought the reason. Loading it decides again.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from longwire.broker.idempotency import Receipt
from longwire.errors import LogFileError
from longwire.log import Publication
from longwire.log.joined_text import Run, restore_run

if TYPE_CHECKING:
    from collections.abc import Iterator

APPLICATION_ID = 0x4C574C47
"""`LWLG` in the file's header: this is a file of Longwire's logs."""
LOCK_WAIT = 1.0
"""Seconds to wait for a process that is just ending to let go of the file."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

MIGRATIONS = (
    """
    CREATE TABLE opening (boot TEXT, clean INTEGER NOT NULL);
    INSERT INTO opening VALUES (NULL, 1);
    CREATE TABLE rooms (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        epoch TEXT NOT NULL,
        trimmed INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE entries (
        room INTEGER NOT NULL,
        last INTEGER NOT NULL,
        first INTEGER NOT NULL,
        timestamp_ms INTEGER NOT NULL,
        event TEXT NOT NULL,
        slot TEXT,
        concat TEXT,
        data BLOB NOT NULL,
        boundaries BLOB,
        PRIMARY KEY (room, last)
    ) WITHOUT ROWID;
    CREATE TABLE receipts (
        room INTEGER NOT NULL,
        id TEXT NOT NULL,
        fingerprint BLOB NOT NULL,
        "offset" INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL,
        PRIMARY KEY (room, id)
    ) WITHOUT ROWID;
    """,
)
"""Script n brings a file from schema version n to n + 1 (`user_version` in the header)."""

_ROOMS = """
    SELECT id, name, epoch, trimmed, coalesce(last, trimmed), coalesce(timestamp_ms, 0)
    FROM rooms LEFT JOIN entries ON room = id
        AND last = (SELECT max(last) FROM entries WHERE room = id)
    ORDER BY coalesce(timestamp_ms, 0), id
"""
_ENTRIES = """
    SELECT first, last, event, data, slot, concat, timestamp_ms, boundaries
    FROM entries WHERE room = ? AND (? OR concat IS NULL) ORDER BY last
"""
_RECEIPTS = """
    SELECT id, fingerprint, "offset", expires_ms FROM receipts WHERE room = ? ORDER BY expires_ms
"""
_PUT_ENTRY = """
    INSERT OR REPLACE INTO entries
    (room, first, last, event, data, slot, concat, timestamp_ms, boundaries)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


class StoredRoom(msgspec.Struct, frozen=True):
    """A room in the file."""

    id: int
    name: str
    epoch: str
    trimmed: int
    end: int
    written_ms: int


class Contents(msgspec.Struct, frozen=True):
    """What the file holds of one room."""

    entries: list[Publication]
    receipts: list[tuple[str, Receipt]]


class Transaction(msgspec.Struct):
    """Changes to the file that are committed together, in the order of these fields.

    Attributes:
        rooms: id, name and epoch of new rooms.
        entries: room id and entry.
        erasures: room id, first and last offset of entries to remove, and what replaces them.
        trimmed: room id to the highest offset that retention has dropped.
        receipts: room id, publish id, receipt.
        expired_ms: receipts that expire before this go.
        forgotten: ids of rooms to remove with all that belongs to them.
    """

    rooms: list[tuple[int, str, str]] = []
    entries: list[tuple[int, Publication]] = []
    erasures: list[tuple[int, int, int, Run | None]] = []
    trimmed: dict[int, int] = {}
    receipts: list[tuple[int, str, Receipt]] = []
    expired_ms: int = 0
    forgotten: list[int] = []

    def __bool__(self) -> bool:
        return bool(
            self.entries or self.erasures or self.trimmed or self.expired_ms or self.forgotten
        )


def open_log_file(path: Path) -> LogFile:
    """Lock, check and migrate the file, or make a new one.

    Raises:
        LogFileError: it is in use, foreign, corrupt, of a newer version or not accessible. It
            was left as it is.
    """
    if not path.parent.is_dir():
        raise LogFileError(str(path), "its directory does not exist")
    if path.exists() and not path.is_file():
        raise LogFileError(str(path), "it is not a file")
    has_wal = path.with_name(f"{path.name}-wal").exists()
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=LOCK_WAIT)
        _prepare(connection, None if has_wal else path.stat().st_size)
    except (sqlite3.Error, _Refused) as error:
        if connection is not None:
            connection.close()
        raise LogFileError(str(path), _explanation(error)) from error
    return LogFile(connection)


class LogFile:
    """The open file, held exclusively; `open_log_file` makes it.

    Durability: `synchronous=NORMAL` in WAL mode. A commit is in the operating system's hands
    when it returns, so a killed process loses nothing. Power loss, or a crash of the system,
    may lose the newest commits, which were delivered already. Therefore the file remembers
    under which boot it was opened: opened under another one without having been closed, its
    rooms get new epochs, and so they do without the write-ahead log that was left beside it, as
    when the file alone was copied. Where boots cannot be told apart, every commit waits for the
    disk (`synchronous=FULL`), and nothing is lost then either.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rooms(self) -> list[StoredRoom]:
        """All rooms, last written last."""
        return [StoredRoom(*row) for row in self._connection.execute(_ROOMS)]

    def close(self) -> None:
        """Bring everything to the disk and let go of the file."""
        try:
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("UPDATE opening SET clean = 1")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._connection.close()

    def load(self, room: int) -> Contents:
        """Read what the file holds of a room.

        Raises:
            sqlite3.Error: it cannot be read.
            msgspec.MsgspecError: what was read makes no sense.
        """
        entries = self.entries(room)
        receipts = [
            (id, Receipt(body, offset, expires_ms))
            for id, body, offset, expires_ms in self._connection.execute(_RECEIPTS, (room,))
        ]
        return Contents(entries, receipts)

    def entries(self, room: int, *, with_text: bool = True) -> list[Publication]:
        """Read the entries of a room, those of streamed text only if asked; raises as `load`."""
        rows = self._connection.execute(_ENTRIES, (room, with_text))
        return [_entry(*row) for row in rows]

    def commit(self, changes: Transaction) -> None:
        """Make all changes, or none.

        Raises:
            sqlite3.Error: they were not made; or, if the disk failed in the middle of the
                commit, it is unknown.
        """
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        try:
            self._apply(changes)
            run("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                run("ROLLBACK")
            raise

    def _apply(self, changes: Transaction) -> None:
        run, run_many = self._connection.execute, self._connection.executemany
        run_many("INSERT OR IGNORE INTO rooms (id, name, epoch) VALUES (?, ?, ?)", changes.rooms)
        run_many(_PUT_ENTRY, (_row(room, entry) for room, entry in changes.entries))
        # In order: a run that was folded once may be folded again.
        for room, first, last, run_of in changes.erasures:
            run("DELETE FROM entries WHERE room = ? AND last BETWEEN ? AND ?", (room, first, last))
            if run_of is not None:
                run(_PUT_ENTRY, _row(room, run_of))
        run_many(
            "UPDATE rooms SET trimmed = ? WHERE id = ?",
            [(trimmed, room) for room, trimmed in changes.trimmed.items()],
        )
        run_many("INSERT OR REPLACE INTO receipts VALUES (?, ?, ?, ?, ?)", _receipts(changes))
        if changes.expired_ms:
            run("DELETE FROM receipts WHERE expires_ms < ?", (changes.expired_ms,))
        gone = [(room,) for room in changes.forgotten]
        for table, column in (("entries", "room"), ("receipts", "room"), ("rooms", "id")):
            run_many(f"DELETE FROM {table} WHERE {column} = ?", gone)  # noqa: S608


class _Refused(Exception):
    """The file is not one to write to."""


def _prepare(connection: sqlite3.Connection, size: int | None) -> None:
    """Check and migrate the file; its size says all if there is no write-ahead log beside it."""
    run = connection.execute
    run("PRAGMA locking_mode = EXCLUSIVE")
    version = _check(connection, size)
    run("PRAGMA journal_mode = WAL")
    run("PRAGMA synchronous = FULL")
    run("BEGIN IMMEDIATE")
    for script in MIGRATIONS[version:]:
        for statement in script.split(";"):
            run(statement)
    run(f"PRAGMA application_id = {APPLICATION_ID}")
    run(f"PRAGMA user_version = {len(MIGRATIONS)}")
    boot = _boot_id()
    _begin_anew_if_the_tail_may_be_lost(connection, boot, has_wal=size is None)
    run("COMMIT")
    run("PRAGMA wal_checkpoint(TRUNCATE)")
    if boot is not None:
        run("PRAGMA synchronous = NORMAL")


def _check(connection: sqlite3.Connection, size: int | None) -> int:
    """The file's schema version, 0 for a new file. Changes nothing in it."""

    def number(query: str) -> int:
        return int(connection.execute(query).fetchone()[0])

    application = number("PRAGMA application_id")
    version = number("PRAGMA user_version")
    if not (application or version or number("SELECT count(*) FROM sqlite_master")):
        return 0
    if application != APPLICATION_ID:
        raise _Refused("it is a SQLite database, but not one of Longwire's")
    if version > len(MIGRATIONS):
        raise _Refused(f"a newer version of Longwire wrote it (schema {version})")
    if size is not None and size < number("PRAGMA page_count") * number("PRAGMA page_size"):
        raise _Refused("it is corrupt: its end is cut off")  # SQLite would read zeros there
    finding = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if finding != "ok":
        raise _Refused(f"it is corrupt: {finding}")
    return version


def _begin_anew_if_the_tail_may_be_lost(
    connection: sqlite3.Connection, boot: str | None, *, has_wal: bool
) -> None:
    run = connection.execute
    last_boot, clean = run("SELECT boot, clean FROM opening").fetchone()
    has_rebooted = last_boot is not None and last_boot != boot
    if not clean and (has_rebooted or not has_wal):
        run("UPDATE rooms SET epoch = lower(hex(randomblob(8)))")
        run("DELETE FROM receipts")
    run("UPDATE opening SET boot = ?, clean = 0", (boot,))


def _boot_id() -> str | None:
    """Names this run of the operating system, where it says so."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return None


def _explanation(error: sqlite3.Error | _Refused) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "another process uses it; one file serves one process"
    if name.startswith("SQLITE_NOTADB"):
        return "it is not a SQLite database"
    if name.startswith("SQLITE_CORRUPT"):
        return f"it is corrupt: {error}"
    return str(error)


def _entry(
    first: int,
    last: int,
    event: str,
    data: bytes,
    slot: str | None,
    concat: str | None,
    timestamp_ms: int,
    boundaries: bytes | None,
) -> Publication:
    publication = Publication(first, last, event, data, slot, concat, timestamp_ms)
    return publication if boundaries is None else restore_run(publication, boundaries)


def _row(room: int, entry: Publication) -> tuple[object, ...]:
    return (
        room,
        entry.first,
        entry.last,
        entry.event,
        entry.data,
        entry.slot,
        entry.concat,
        entry.timestamp_ms,
        entry.boundaries() if isinstance(entry, Run) else None,
    )


def _receipts(changes: Transaction) -> Iterator[tuple[object, ...]]:
    for room, id, receipt in changes.receipts:
        yield (room, id, receipt.fingerprint, receipt.offset, receipt.expires_ms)
