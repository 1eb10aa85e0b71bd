"""The file of the SQLite broker: checks, migration, and when epochs are renewed."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from longwire.broker.idempotency import Receipt
from longwire.broker.sqlite.file import (
    MAX_RECENT,
    MIGRATIONS,
    LogFile,
    RoomRow,
    Transaction,
    open_log_file,
)
from longwire.errors import LogFileError
from longwire.log.condition import Attempt
from longwire.log.publication import Publication


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs.db"


@contextmanager
def opened(path: Path, **options: Any) -> Iterator[LogFile]:
    file = open_log_file(path, **options)
    try:
        yield file
    finally:
        file.close()


def write(file: LogFile, count: int = 1) -> list[RoomRow]:
    """Create a room with `count` entries."""
    entries = [
        (1, Publication(n, n, "note", b"x" * 500, None, None, 1_000 + n))
        for n in range(1, count + 1)
    ]
    file.commit(Transaction(rooms=[(1, "room", "epoch")], entries=entries))
    return file.rooms()


def change(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


def assert_rejected(path: Path, reason: str) -> None:
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(LogFileError, match=reason) as rejected:
        open_log_file(path)
    assert rejected.value.path == str(path)
    assert str(path) in str(rejected.value)
    assert (path.read_bytes() if path.is_file() else None) == before


# Files that are rejected unchanged


def test_a_file_that_is_not_a_database_is_rejected(path: Path) -> None:
    path.write_text("Dear diary, " * 1_000)
    assert_rejected(path, "not a SQLite database")


def test_a_foreign_database_is_rejected(path: Path) -> None:
    change(path, "CREATE TABLE precious (data)")
    assert_rejected(path, "not a Longwire log file")


def test_a_directory_is_rejected(path: Path) -> None:
    path.mkdir()
    assert_rejected(path, "not a file")


def test_a_missing_directory_is_rejected(path: Path) -> None:
    assert_rejected(path / "logs.db", "directory does not exist")


def test_a_corrupt_file_is_rejected(path: Path) -> None:
    with opened(path) as file:
        write(file, 200)
    sound = path.read_bytes()
    used = len(sound) * 3 // 4  # the first half has free pages, from which the entries were moved
    path.write_bytes(sound[:used] + b"\xa5" * 4096 + sound[used + 4096 :])
    assert_rejected(path, "corrupt")
    path.write_bytes(sound[:used])
    assert_rejected(path, "corrupt")


def test_a_file_whose_last_page_is_cut_off_is_rejected(path: Path) -> None:
    """SQLite reads zeros in its place, and reports no error."""
    with opened(path) as file:
        write(file, 200)
    path.write_bytes(path.read_bytes()[:-700])
    assert_rejected(path, "corrupt: its end is cut off")


def test_a_file_of_a_newer_version_is_rejected(path: Path) -> None:
    with opened(path):
        pass
    change(path, "PRAGMA user_version = 99")
    assert_rejected(path, r"written by a newer version of Longwire \(schema 99\)")


OPEN_IT = """
import sys
from pathlib import Path
from typing import Any
from longwire.broker.sqlite.file import open_log_file
from longwire.errors import LogFileError
try:
    open_log_file(Path(sys.argv[1]))
except LogFileError as error:
    print(error)
"""


def test_a_file_in_use_cannot_be_opened_by_another_process(path: Path) -> None:
    with opened(path) as file:
        rooms = write(file)
        other = subprocess.run(
            [sys.executable, "-c", OPEN_IT, path], capture_output=True, text=True, check=True
        )
        assert file.rooms() == rooms

    assert other.stdout.strip() == (
        f"{path}: it is in use by another process; each process needs a file of its own"
    )


def test_an_empty_file_is_initialized(path: Path) -> None:
    path.touch()
    with opened(path) as file:
        assert write(file) == [RoomRow(1, "room", "epoch", 0, 1, 1_001, Attempt())]


def test_a_copy_of_an_open_file_with_its_write_ahead_log(path: Path, tmp_path: Path) -> None:
    with opened(path) as file:
        rooms = write(file)
        for name in ("logs.db", "logs.db-wal"):
            shutil.copy(tmp_path / name, tmp_path / f"copy-{name}")
    with opened(tmp_path / "copy-logs.db") as file:
        assert file.rooms() == rooms


def test_a_copy_without_its_write_ahead_log_gets_new_epochs(path: Path, tmp_path: Path) -> None:
    """It used to keep its epoch, and to assign offsets again that clients had already received."""
    with opened(path) as file:
        write(file)
    with opened(path) as file:
        file.commit(Transaction(entries=[(1, Publication(2, 2, "note", b"x", None, None, 2))]))
        shutil.copy(path, tmp_path / "copy.db")
    with opened(tmp_path / "copy.db") as file:
        [room] = file.rooms()
    assert (room.epoch == "epoch", room.end) == (False, 1)


# Migration


def test_an_older_file_is_migrated_with_its_contents(path: Path) -> None:
    with opened(path) as file:
        rooms = write(file)
    migrations = (*MIGRATIONS, "ALTER TABLE rooms ADD COLUMN colour TEXT")
    with opened(path, migrations=migrations) as file:
        assert file.rooms() == rooms
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name, colour FROM rooms").fetchall() == [("room", None)]
    assert_rejected(path, "newer version")


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    with opened(path) as file:
        rooms = write(file)
    migrations = (*MIGRATIONS, "DELETE FROM entries; ALTER TABLE missing ADD COLUMN x")
    with pytest.raises(LogFileError, match="no such table: missing"):
        open_log_file(path, migrations=migrations)
    with opened(path) as file:
        assert file.rooms() == rooms
        assert len(file.load(1).entries) == 1


# When epochs are renewed


def test_epochs_change_if_the_file_was_not_closed_before_a_reboot(path: Path) -> None:
    with opened(path) as file:
        write(file)
    change(path, "UPDATE opening SET boot = 'another', clean = 0")
    with opened(path) as file:
        assert file.rooms()[0].epoch != "epoch"


@pytest.mark.parametrize(("boot", "clean"), [("another", 1), (None, 0)])
def test_epochs_stay_if_the_file_was_closed_or_synced_before_a_reboot(
    path: Path, boot: str | None, clean: int
) -> None:
    with opened(path) as file:
        rooms = write(file)
    change(path, "UPDATE opening SET boot = ?, clean = ?", boot, clean)
    path.with_name("logs.db-wal").touch()  # as left by a process that did not close the file
    with opened(path) as file:
        assert file.rooms() == rooms


def test_epochs_stay_on_a_system_without_boot_ids(path: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with opened(path, boot_id=missing) as file:
        rooms = write(file)
    with opened(path, boot_id=missing) as file:
        assert file.rooms() == rooms
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT boot FROM opening").fetchall() == [(None,)]


def test_a_transaction_that_fails_changes_nothing(path: Path) -> None:
    with opened(path) as file:
        rooms = write(file)
        good = Publication(2, 2, "note", b"{}", None, None, 5)
        bad = Publication(3, 3, "\ud800", b"{}", None, None, 5)
        with pytest.raises(UnicodeEncodeError):
            file.commit(Transaction(entries=[(1, good), (1, bad)]))
        assert file.rooms() == rooms
        assert len(file.load(1).entries) == 1


# Recent entries


def appended(rooms: int, offset: int) -> Transaction:
    """Return a transaction with an entry and its receipt in each of some rooms."""
    return Transaction(
        rooms=[(room, f"room {room}", "epoch") for room in range(1, rooms + 1)],
        entries=[
            (room, Publication(offset, offset, "note", b"x" * 100, None, None, 1))
            for room in range(1, rooms + 1)
        ],
        receipts=[
            (room, f"id {offset}", Receipt(b"fingerprint", offset, 9))
            for room in range(1, rooms + 1)
        ],
    )


def test_a_transaction_of_many_rooms_writes_few_pages(path: Path) -> None:
    """Regression: it wrote two pages for each room, 330 kB for 40 rooms."""
    wal = path.with_name("logs.db-wal")
    with opened(path) as file:
        for offset in range(1, 6):
            file.commit(appended(40, offset))
        before = wal.stat().st_size
        file.commit(appended(40, 6))
        assert wal.stat().st_size - before < 40_000


def test_recent_entries_and_receipts_are_read_with_the_others(path: Path) -> None:
    with opened(path) as file:
        file.commit(appended(2, 1))
        file.rooms()  # moves them
        file.commit(appended(2, 2))
        contents = file.load(1)
        assert [entry.last for entry in contents.entries] == [1, 2]
        assert [id for id, _ in contents.receipts] == ["id 1", "id 2"]
        file.commit(appended(2, 3))
    with opened(path) as file:
        assert [entry.last for entry in file.load(2).entries] == [1, 2, 3]
        assert file.load(2).receipts[2] == ("id 3", Receipt(b"fingerprint", 3, 9))


def test_the_receipt_of_an_erased_entry_stays(path: Path) -> None:
    with opened(path) as file:
        for offset in range(1, 5):
            file.commit(appended(1, offset))
        file.commit(Transaction(erasures=[(1, 1, 1, None), (1, 2, 3, None)]))
        contents = file.load(1)
        assert [entry.last for entry in contents.entries] == [4]
        assert len(contents.receipts) == 4


def test_a_deleted_room_leaves_no_recent_entry(path: Path) -> None:
    with opened(path) as file:
        file.commit(appended(2, 1))
        file.commit(Transaction(deleted=[1]))
        assert [row.name for row in file.rooms()] == ["room 2"]
        assert file.load(1).entries == []


def test_many_recent_entries_are_moved(path: Path) -> None:
    with opened(path) as file:
        for offset in range(1, MAX_RECENT // 100 + 2):
            file.commit(appended(100, offset))
        end = MAX_RECENT // 100 + 1
        assert len(file.load(7).entries) == end
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM recent").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM entries").fetchone() == (100 * end,)


def test_recent_entries_of_a_killed_process_are_read(path: Path) -> None:
    file = open_log_file(path)
    file.commit(appended(3, 1))
    copy = path.with_name("copy.db")
    shutil.copy(path, copy)
    shutil.copy(path.with_name("logs.db-wal"), copy.with_name("copy.db-wal"))
    file.close()
    with opened(copy) as survivor:
        assert [(row.name, row.end, row.epoch) for row in survivor.rooms()] == [
            (f"room {room}", 1, "epoch") for room in (1, 2, 3)
        ]
        assert [id for id, _ in survivor.load(2).receipts] == ["id 1"]
