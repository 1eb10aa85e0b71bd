"""The SQLite file with the room logs. Synchronous: a single thread opens, writes and closes it.

The file may contain more entries than the logs in memory: an entry that was superseded, joined or
dropped is deleted by a later transaction than the one that caused it. After loading, `RoomLog`
applies the same rules again and arrives at the same log.

SQLite writes whole pages of 4 kB, and the tables `entries` and `receipts` keep the rows of a room
together. Appending to them directly would write two pages for each of the rooms in a transaction.
So new rows first go to the end of the table `recent`, where they share pages; some thousand rows
at a time, they are moved to the other tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec.structs import astuple

from longwire.broker.idempotency import Receipt
from longwire.broker.sqlite.presence import Presence
from longwire.errors import LogFileError
from longwire.log.condition import Attempt
from longwire.log.joined_text import JoinedText, restore_joined_text
from longwire.log.publication import Publication

APPLICATION_ID = 0x4C574C47
"""`LWLG` in the file's header marks a file with Longwire logs."""
LOCK_WAIT = 1.0
"""Seconds to wait for the lock, for example while the previous process shuts down."""

MAX_RECENT = 8192
"""Rows in the table `recent` from which on they are moved, which takes some 40 ms."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Where Linux exposes an id of the current boot; other systems have no such file."""

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
    """
    ALTER TABLE rooms ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE rooms ADD COLUMN is_claimed INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE rooms ADD COLUMN has_ended INTEGER NOT NULL DEFAULT 0
    """,
    """
    CREATE TABLE recent (
        seq INTEGER PRIMARY KEY,
        room INTEGER NOT NULL,
        last INTEGER NOT NULL,
        first INTEGER NOT NULL,
        timestamp_ms INTEGER NOT NULL,
        event TEXT,
        slot TEXT,
        concat TEXT,
        data BLOB,
        id TEXT,
        fingerprint BLOB,
        expires_ms INTEGER
    )
    """,
)
"""Script n migrates a file from schema version n to n + 1 (`user_version` in the header)."""

_ROOMS = """
    SELECT id, name, epoch, trimmed, coalesce(last, trimmed), coalesce(timestamp_ms, 0),
        attempt, is_claimed, has_ended
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
_PUT_RECENT = """
    INSERT INTO recent
    (seq, room, first, last, event, data, slot, concat, timestamp_ms, id, fingerprint, expires_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_SETTLE = (
    """
    INSERT OR REPLACE INTO entries
    (room, first, last, event, data, slot, concat, timestamp_ms)
    SELECT room, first, last, event, data, slot, concat, timestamp_ms
    FROM recent WHERE event IS NOT NULL AND room BETWEEN ? AND ? ORDER BY room, last
    """,
    """
    INSERT OR REPLACE INTO receipts
    SELECT room, id, fingerprint, last, expires_ms
    FROM recent WHERE id IS NOT NULL AND room BETWEEN ? AND ? ORDER BY room, id
    """,
)
_ALL_ROOMS = (0, 2**63 - 1)


class RoomRow(msgspec.Struct, frozen=True):
    """A room as stored in the file; `end` and `written_ms` are those of its newest entry."""

    id: int
    name: str
    epoch: str
    trimmed: int
    end: int
    written_ms: int
    attempt: Attempt


class RoomContents(msgspec.Struct, frozen=True):
    """The entries and receipts of one room."""

    entries: list[Publication]
    receipts: list[tuple[str, Receipt]]


class Transaction(msgspec.Struct):
    """Changes to the file that are committed together, in the order of these fields.

    Attributes:
        rooms: id, name and epoch of each new room.
        entries: room id and entry.
        erasures: room id, first and last offset of the entries to delete, and their replacement.
        trimmed: for a room id, the highest offset that retention has dropped.
        attempts: for a room id, its newest attempt.
        receipts: room id, publish id, receipt.
        expired_ms: receipts that expire before this time are deleted.
        deleted: ids of rooms to delete, including their entries and receipts.
    """

    rooms: list[tuple[int, str, str]] = []
    entries: list[tuple[int, Publication]] = []
    erasures: list[tuple[int, int, int, JoinedText | None]] = []
    trimmed: dict[int, int] = {}
    attempts: dict[int, Attempt] = {}
    receipts: list[tuple[int, str, Receipt]] = []
    expired_ms: int = 0
    deleted: list[int] = []

    def __bool__(self) -> bool:
        return bool(
            self.entries or self.erasures or self.trimmed or self.expired_ms or self.deleted
        )


def open_log_file(
    path: Path, *, migrations: Sequence[str] = MIGRATIONS, boot_id: Path = BOOT_ID
) -> LogFile:
    """Lock, check and migrate the file, or create it.

    Args:
        path: the file.
        migrations: the scripts that create and migrate it.
        boot_id: a file with an id of the current boot; if it is missing, every commit is synced to
            the disk.

    Raises:
        LogFileError: the file is in use, is not a log file, is corrupt, was written by a newer
            version or is not accessible. The file is unchanged.
    """
    if not path.parent.is_dir():
        raise LogFileError(str(path), "its directory does not exist")
    if path.exists() and not path.is_file():
        raise LogFileError(str(path), "it is not a file")
    has_wal = path.with_name(f"{path.name}-wal").exists()
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=LOCK_WAIT)
        size = None if has_wal else path.stat().st_size
        _prepare(connection, size, migrations, _read_boot_id(boot_id))
    except (sqlite3.Error, _UnusableFile) as error:
        if connection is not None:
            connection.close()
        raise LogFileError(str(path), _explanation(error)) from error
    return LogFile(connection, Presence(path))


class LogFile:
    """The open file, locked exclusively. Returned by `open_log_file`.

    Durability: with `synchronous=NORMAL` in WAL mode, the operating system has a commit when it
    returns, so a killed process loses nothing. Power loss or a system crash may lose the newest
    commits, although their entries were delivered. Therefore the file stores the id of the boot
    during which it was opened. If it was not closed and is opened during another boot, its rooms
    get new epochs. The same happens if its write-ahead log is missing, for example because only
    the file itself was copied. If boots cannot be distinguished, every commit is synced to the
    disk (`synchronous=FULL`), and even power loss loses nothing.
    """

    def __init__(self, connection: sqlite3.Connection, presence: Presence) -> None:
        self._connection = connection
        self._presence = presence
        # The rows of `recent`: by room, the `seq` of each `last`. Some may be deleted already.
        self._recent: dict[int, dict[int, int]] = {}
        self._recent_count = 0
        self._seq = 0

    def check(self) -> None:
        """Raise LogFileError if the file was deleted or replaced since it was opened."""
        self._presence.check()

    def rooms(self) -> list[RoomRow]:
        """Return all rooms, last written last."""
        self._settle_now(_ALL_ROOMS)
        return [_room_row(*row) for row in self._connection.execute(_ROOMS)]

    def close(self) -> None:
        """Sync everything to the disk and unlock the file."""
        try:
            self._settle_now(_ALL_ROOMS)
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("UPDATE opening SET clean = 1")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._connection.close()

    def load(self, room: int) -> RoomContents:
        """Read the entries and receipts of a room.

        Raises:
            sqlite3.Error: they cannot be read.
            msgspec.MsgspecError: an entry is malformed.
        """
        entries = self.entries(room)  # which settles the receipts too
        receipts = [
            (id, Receipt(body, offset, expires_ms))
            for id, body, offset, expires_ms in self._connection.execute(_RECEIPTS, (room,))
        ]
        return RoomContents(entries, receipts)

    def entries(self, room: int, *, with_text: bool = True) -> list[Publication]:
        """Read the entries of a room, optionally without streamed text; raises like `load`."""
        if room in self._recent:
            self._settle_now((room, room))
        rows = self._connection.execute(_ENTRIES, (room, with_text))
        return [_entry(*row) for row in rows]

    def commit(self, changes: Transaction) -> None:
        """Apply all changes, or none of them.

        Raises:
            sqlite3.Error: they were not applied; if the disk failed during the commit, it is
                unknown whether they were.
            LogFileError: the file was deleted or replaced, so the changes would be lost.
        """
        self._presence.check()
        with self._transaction():
            added = self._apply(changes)
            is_full = self._recent_count + len(added) > MAX_RECENT
            if is_full:
                _settle(self._connection, _ALL_ROOMS)
        if is_full:
            self._forget_recent(_ALL_ROOMS)
        else:
            for seq, room, last in added:
                self._recent.setdefault(room, {})[last] = seq
            self._recent_count += len(added)
        self._presence.check()  # if it vanished meanwhile, the commit is lost

    @contextmanager
    def _transaction(self) -> Generator[None]:
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        try:
            yield
            run("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                run("ROLLBACK")
            raise

    def _settle_now(self, rooms: tuple[int, int]) -> None:
        """Move the recent rows of rooms, first and last id, to the tables where they stay."""
        if self._recent_count:
            with self._transaction():
                _settle(self._connection, rooms)
            self._forget_recent(rooms)

    def _forget_recent(self, rooms: tuple[int, int]) -> None:
        if rooms == _ALL_ROOMS:
            self._recent.clear()
            self._recent_count = 0
        else:
            self._recent_count -= len(self._recent.pop(rooms[0], ()))

    def _append(self, changes: Transaction) -> list[tuple[int, int, int]]:
        """Add the entries with their receipts to `recent`; return seq, room and last of each."""
        receipts = {
            (room, receipt.offset): (id, receipt.fingerprint, receipt.expires_ms)
            for room, id, receipt in changes.receipts
        }
        rows: list[tuple[object, ...]] = []
        added: list[tuple[int, int, int]] = []
        for room, entry in changes.entries:
            self._seq += 1
            *columns, _ = _row(room, entry)
            rows.append((self._seq, *columns, *receipts.get((room, entry.last), _NO_RECEIPT)))
            added.append((self._seq, room, entry.last))
        self._connection.executemany(_PUT_RECENT, rows)
        return added

    def _erase_recent(self, room: int, first: int, last: int) -> None:
        """Erase entries that are still in `recent`; their receipts stay."""
        recent = self._recent.get(room)
        if recent is None:
            return
        if first == last:
            erased = [recent[last]] if last in recent else []
        else:
            erased = [seq for offset, seq in recent.items() if first <= offset <= last]
        self._connection.executemany(
            "UPDATE recent SET event = NULL, data = NULL WHERE seq = ?", [(seq,) for seq in erased]
        )

    def _apply(self, changes: Transaction) -> list[tuple[int, int, int]]:
        run, run_many = self._connection.execute, self._connection.executemany
        run_many("INSERT OR IGNORE INTO rooms (id, name, epoch) VALUES (?, ?, ?)", changes.rooms)
        added = self._append(changes)
        # In order, since a later erasure may delete the replacement of an earlier one.
        for room, first, last, replacement in changes.erasures:
            self._erase_recent(room, first, last)
            run("DELETE FROM entries WHERE room = ? AND last BETWEEN ? AND ?", (room, first, last))
            if replacement is not None:
                run(_PUT_ENTRY, _row(room, replacement))
        run_many(
            "UPDATE rooms SET trimmed = ? WHERE id = ?",
            [(trimmed, room) for room, trimmed in changes.trimmed.items()],
        )
        run_many(
            "UPDATE rooms SET attempt = ?, is_claimed = ?, has_ended = ? WHERE id = ?",
            [(*astuple(attempt), room) for room, attempt in changes.attempts.items()],
        )
        if changes.expired_ms:
            run("DELETE FROM receipts WHERE expires_ms < ?", (changes.expired_ms,))
        deleted = [(room,) for room in changes.deleted]
        for table, column in (("entries", "room"), ("receipts", "room"), ("rooms", "id")):
            run_many(f"DELETE FROM {table} WHERE {column} = ?", deleted)  # noqa: S608
        seqs = [(seq,) for room in changes.deleted for seq in self._recent.get(room, {}).values()]
        run_many("DELETE FROM recent WHERE seq = ?", seqs)
        return added


_NO_RECEIPT = (None, None, None)


def _settle(connection: sqlite3.Connection, rooms: tuple[int, int]) -> None:
    for statement in _SETTLE:
        connection.execute(statement, rooms)
    if rooms == _ALL_ROOMS:  # without WHERE, SQLite frees the pages instead of writing them
        connection.execute("DELETE FROM recent")
    else:
        connection.execute("DELETE FROM recent WHERE room = ?", rooms[:1])


class _UnusableFile(Exception):
    """The file must not be written to."""


def _prepare(
    connection: sqlite3.Connection, size: int | None, migrations: Sequence[str], boot: str | None
) -> None:
    """Check and migrate the file. `size` is None if there is a write-ahead log next to it."""
    run = connection.execute
    run("PRAGMA locking_mode = EXCLUSIVE")
    version = _check(connection, size, len(migrations))
    run("PRAGMA journal_mode = WAL")
    run("PRAGMA wal_autocheckpoint = 4000")
    run("PRAGMA synchronous = FULL")
    run("BEGIN IMMEDIATE")
    for script in migrations[version:]:
        for statement in script.split(";"):
            run(statement)
    _settle(connection, _ALL_ROOMS)
    run(f"PRAGMA application_id = {APPLICATION_ID}")
    run(f"PRAGMA user_version = {len(migrations)}")
    _renew_epochs_if_commits_may_be_lost(connection, boot, has_wal=size is None)
    run("COMMIT")
    run("PRAGMA wal_checkpoint(TRUNCATE)")
    if boot is not None:
        run("PRAGMA synchronous = NORMAL")


def _check(connection: sqlite3.Connection, size: int | None, newest: int) -> int:
    """Return the file's schema version, 0 for a new file, without changing the file."""

    def number(query: str) -> int:
        return int(connection.execute(query).fetchone()[0])

    application = number("PRAGMA application_id")
    version = number("PRAGMA user_version")
    if not (application or version or number("SELECT count(*) FROM sqlite_master")):
        return 0
    if application != APPLICATION_ID:
        raise _UnusableFile("it is a SQLite database, but not a Longwire log file")
    if version > newest:
        raise _UnusableFile(f"it was written by a newer version of Longwire (schema {version})")
    if size is not None and size < number("PRAGMA page_count") * number("PRAGMA page_size"):
        raise _UnusableFile("it is corrupt: its end is cut off")  # SQLite would read zeros instead
    finding = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if finding != "ok":
        raise _UnusableFile(f"it is corrupt: {finding}")
    return version


def _renew_epochs_if_commits_may_be_lost(
    connection: sqlite3.Connection, boot: str | None, *, has_wal: bool
) -> None:
    run = connection.execute
    last_boot, clean = run("SELECT boot, clean FROM opening").fetchone()
    has_rebooted = last_boot is not None and last_boot != boot
    if not clean and (has_rebooted or not has_wal):
        run("UPDATE rooms SET epoch = lower(hex(randomblob(8)))")
        run("DELETE FROM receipts")
    run("UPDATE opening SET boot = ?, clean = 0", (boot,))


def _read_boot_id(path: Path) -> str | None:
    """Return the id of the current boot of the operating system; None if it is not exposed."""
    try:
        return path.read_text().strip()
    except OSError:
        return None


def _explanation(error: sqlite3.Error | _UnusableFile) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "it is in use by another process; each process needs a file of its own"
    if name.startswith("SQLITE_NOTADB"):
        return "it is not a SQLite database"
    if name.startswith("SQLITE_CORRUPT"):
        return f"it is corrupt: {error}"
    return str(error)


def _room_row(
    id: int,
    name: str,
    epoch: str,
    trimmed: int,
    end: int,
    written_ms: int,
    number: int,
    is_claimed: int,
    has_ended: int,
) -> RoomRow:
    attempt = Attempt(number, bool(is_claimed), bool(has_ended))
    return RoomRow(id, name, epoch, trimmed, end, written_ms, attempt)


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
    return publication if boundaries is None else restore_joined_text(publication, boundaries)


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
        entry.boundaries() if isinstance(entry, JoinedText) else None,
    )
