"""Group commit: publishes gather while the file is busy, and go into it in one transaction."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from longwire.broker.idempotency import WINDOW_MS, IdempotencyWindow, Receipt, fingerprint
from longwire.broker.sqlite.file import LogFile, StoredRoom, Transaction, open_log_file
from longwire.errors import BrokerUnavailable, IdempotencyConflict
from longwire.log import Publication, RoomLog
from longwire.types import Position

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from longwire.log import Draft, RetentionLimits


MAX_BATCH = 1_000
"""Publishes in one transaction: delivering them holds the loop for about ten milliseconds."""


class LoadedLog(msgspec.Struct, frozen=True):
    """A room's log in memory, exactly as far as it is committed, and its publish ids."""

    log: RoomLog
    window: IdempotencyWindow


class FiledRoom:
    """A room of the file.

    Attributes:
        end: the last offset, as it was when the room was loaded last.
        loaded: None while the room is only in the file.
        stored: whether the file knows the room.
        trimmed: as the file has it, or will with the changes that are under way.
        waiting: how many loads and publishes need `loaded` to stay.
        written_ms: when it was written last.
    """

    __slots__ = (
        "end",
        "epoch",
        "id",
        "loaded",
        "loading",
        "name",
        "stored",
        "trimmed",
        "waiting",
        "written_ms",
    )

    def __init__(self, id: int, name: str, epoch: str, trimmed: int, written_ms: int) -> None:
        self.id = id
        self.name = name
        self.epoch = epoch
        self.end = 0
        self.loaded: LoadedLog | None = None
        self.loading: asyncio.Future[LoadedLog] | None = None
        self.stored = False
        self.trimmed = trimmed
        self.waiting = 0
        self.written_ms = written_ms

    @property
    def position(self) -> Position:
        """The end of its log."""
        loaded = self.loaded
        return Position(self.epoch, self.end) if loaded is None else loaded.log.position


class _Write:
    """A publish that waits for its commit.

    Attributes:
        body: the fingerprint, if it has an id.
        offset: where it will stand, or where the publish stands that it repeats.
    """

    __slots__ = ("body", "draft", "id", "loaded", "offset", "position", "room")

    def __init__(self, room: FiledRoom, loaded: LoadedLog, draft: Draft, id: str | None) -> None:
        self.room = room
        self.loaded = loaded
        self.draft = draft
        self.id = id
        self.body = b"" if id is None else fingerprint(draft)
        self.offset = 0
        self.position: asyncio.Future[Position] = asyncio.get_running_loop().create_future()

    def succeed(self) -> None:
        """Answer the publisher, unless it has gone."""
        if not self.position.done():
            self.position.set_result(Position(self.room.epoch, self.offset))

    def fail(self, error: Exception) -> None:
        """Refuse the publisher, unless it has gone."""
        if not self.position.done():
            self.position.set_exception(error)


class GroupCommit:
    """One thread that owns the file, and one task that feeds it.

    While a transaction is under way the next one gathers. Logs in memory and receivers learn of
    an entry after its commit, in the order of the publishes. Erasures that a log decides on go
    along with the next transaction.

    Args:
        deliver: called after each commit with the room, the entry and the bytes that the log
            has grown by.
        now_ms: the clock.
    """

    def __init__(
        self, deliver: Callable[[FiledRoom, Publication, int], None], now_ms: Callable[[], int]
    ) -> None:
        self._deliver = deliver
        self._now_ms = now_ms
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="longwire-log")
        self._file: LogFile
        self._writer: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._closing = False
        self._queue: list[_Write] = []
        self._changes = Transaction()
        self._erasing: dict[int, FiledRoom] = {}

    async def open(self, path: Path) -> list[StoredRoom]:
        """Open the file and begin; the rooms in it, last written last.

        Raises:
            LogFileError: the file cannot be used.
        """
        loop = asyncio.get_running_loop()
        try:
            file = await loop.run_in_executor(self._thread, open_log_file, path)
            rooms = await loop.run_in_executor(self._thread, file.rooms)
        except BaseException:
            self._thread.shutdown(wait=False)
            raise
        self._file = file
        self._writer = loop.create_task(self._write_until_closed())
        return rooms

    async def close(self) -> None:
        """Commit what waits, and let go of the file. Harmless if it is not open."""
        if self._writer is None or self._closing:
            return
        self._closing = True
        self._wake.set()
        await self._writer
        loop = asyncio.get_running_loop()
        with suppress(sqlite3.Error):  # the next one to open it sees that it was not closed
            await loop.run_in_executor(self._thread, self._file.close)
        self._thread.shutdown(wait=False)

    async def load(self, room: FiledRoom, limits: RetentionLimits) -> LoadedLog:
        """Read the room's log from the file, once for all who ask meanwhile.

        Raises:
            BrokerUnavailable: it cannot be read.
        """
        if room.loading is None:
            room.loading = asyncio.get_running_loop().run_in_executor(
                self._thread, self._load, room, limits, self._now_ms()
            )
        try:
            return await asyncio.shield(room.loading)
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            raise _unreadable(room, error) from error
        finally:
            room.loading = None

    async def load_without_text(self, room: FiledRoom, limits: RetentionLimits) -> RoomLog:
        """Read the room's log from the file as it is now, without streamed text.

        Raises:
            BrokerUnavailable: it cannot be read.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._thread, self._load_without_text, room, room.end, limits, self._now_ms()
            )
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            raise _unreadable(room, error) from error

    def _load(self, room: FiledRoom, limits: RetentionLimits, now_ms: int) -> LoadedLog:
        contents = self._file.load(room.id)
        log = RoomLog.restore(
            room.epoch, contents.entries, trimmed=room.trimmed, limits=limits, journal=[]
        )
        log.trim(now_ms)
        window = IdempotencyWindow()
        for id, receipt in contents.receipts:
            window.add(id, receipt)
        return LoadedLog(log, window)

    def _load_without_text(
        self, room: FiledRoom, end: int, limits: RetentionLimits, now_ms: int
    ) -> RoomLog:
        entries = self._file.entries(room.id, with_text=False)
        log = RoomLog.restore(room.epoch, entries, trimmed=room.trimmed, end=end, limits=limits)
        log.trim(now_ms)
        return log

    async def publish(
        self, room: FiledRoom, loaded: LoadedLog, draft: Draft, id: str | None
    ) -> Position:
        """Append to the room's log when it is committed; see `Broker.publish`."""
        if self._closing:
            raise BrokerUnavailable("the broker is closing")
        # What SQLite would refuse must not take the others of its transaction along.
        f"{room.name}{draft.event}{draft.slot}{draft.concat}{id}".encode()
        write = _Write(room, loaded, draft, id)
        room.waiting += 1
        self._queue.append(write)
        self._wake.set()
        return await write.position

    def erase(self, room: FiledRoom) -> None:
        """Let the file follow what the room's log has erased, with the next transaction."""
        self._erasing[room.id] = room

    def expire_receipts(self, now_ms: int) -> None:
        """Remove receipts that have expired."""
        self._changes.expired_ms = now_ms
        self._wake.set()

    def forget(self, room: FiledRoom) -> None:
        """Remove a room with all that belongs to it."""
        self._erasing.pop(room.id, None)
        if room.stored:
            self._changes.forgotten.append(room.id)
            self._wake.set()

    def let_go(self, room: FiledRoom) -> None:
        """Write what the room's log has erased; `loaded` may be dropped now."""
        self._collect(room)
        self._wake.set()

    def _collect(self, room: FiledRoom) -> None:
        self._erasing.pop(room.id, None)
        log = room.loaded.log if room.loaded is not None else None
        if log is None or not log.journal or not room.stored:
            return
        self._changes.erasures += [
            (room.id, erasure.first, erasure.last, erasure.replacement) for erasure in log.journal
        ]
        log.journal.clear()
        if log.trimmed != room.trimmed:
            room.trimmed = self._changes.trimmed[room.id] = log.trimmed

    async def _write_until_closed(self) -> None:
        while self._queue or not self._closing:
            await self._wake.wait()
            self._wake.clear()
            await self._write_what_waits()
        await self._write_what_waits()

    async def _write_what_waits(self) -> None:
        for room in list(self._erasing.values()):
            self._collect(room)
        if self._queue or self._changes:
            await self._write()
        if self._queue:
            self._wake.set()

    async def _write(self) -> None:
        """Commit what has gathered; then let the logs, the receivers and the publishers know."""
        now_ms = self._now_ms()
        writes, self._queue = self._queue[:MAX_BATCH], self._queue[MAX_BATCH:]
        changes, self._changes = self._changes, Transaction()
        fresh = _take_in(writes, changes, now_ms)
        try:
            if changes:
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self._thread, self._file.commit, changes)
        except Exception as error:
            self._changes = _postponed(changes, self._changes)
            for write in writes:
                write.room.waiting -= 1
                write.fail(BrokerUnavailable(f"nothing was written: {error}"))
            return
        for write in fresh:
            self._publish(write, now_ms)
        for write in writes:
            write.room.waiting -= 1
            write.succeed()

    def _publish(self, write: _Write, now_ms: int) -> None:
        room, loaded = write.room, write.loaded
        before = loaded.log.byte_count
        publication = loaded.log.append(write.draft, now_ms)
        room.stored = True
        room.written_ms = now_ms
        if write.id is not None:
            loaded.window.add(write.id, _receipt(write, now_ms))
        if loaded.log.journal:
            self.erase(room)
        try:
            self._deliver(room, publication, loaded.log.byte_count - before)
        except Exception as error:
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"a receiver failed on {room.name!r}", "exception": error}
            )


def _unreadable(room: FiledRoom, error: Exception) -> BrokerUnavailable:
    return BrokerUnavailable(f"cannot read the log of {room.name!r}: {error}")


def _take_in(writes: list[_Write], changes: Transaction, now_ms: int) -> list[_Write]:
    """Give each publish its offset and its place in the transaction; answers those that are new.

    Those that repeat another get its offset, those that conflict are refused.
    """
    ends: dict[int, int] = {}
    firsts: dict[tuple[int, str], _Write] = {}
    fresh: list[_Write] = []
    for write in writes:
        try:
            if write.id is not None and _repeats(write, write.id, firsts, now_ms):
                continue
        except IdempotencyConflict as conflict:
            write.fail(conflict)
            continue
        room = write.room
        if room.id not in ends:
            ends[room.id] = write.loaded.log.position.offset
            if not room.stored:
                changes.rooms.append((room.id, room.name, room.epoch))
        write.offset = ends[room.id] = ends[room.id] + 1
        changes.entries.append((room.id, _publication(write, now_ms)))
        if write.id is not None:
            changes.receipts.append((room.id, write.id, _receipt(write, now_ms)))
        fresh.append(write)
    return fresh


def _repeats(write: _Write, id: str, firsts: dict[tuple[int, str], _Write], now_ms: int) -> bool:
    """Whether the id was committed before, or comes earlier in the transaction.

    Raises:
        IdempotencyConflict: it was there with another event.
    """
    known = write.loaded.window.find(write.room.name, id, write.body, now_ms)
    if known is None:
        first = firsts.setdefault((write.room.id, id), write)
        if first is write:
            return False
        if first.body != write.body:
            raise IdempotencyConflict(write.room.name, id)
        known = first.offset
    write.offset = known
    return True


def _publication(write: _Write, now_ms: int) -> Publication:
    draft, offset = write.draft, write.offset
    return Publication(offset, offset, draft.event, draft.data, draft.slot, draft.concat, now_ms)


def _receipt(write: _Write, now_ms: int) -> Receipt:
    return Receipt(write.body, write.offset, now_ms + WINDOW_MS)


def _postponed(failed: Transaction, newer: Transaction) -> Transaction:
    """What remains to be done of a failed transaction, and what came up meanwhile."""
    return Transaction(
        erasures=failed.erasures + newer.erasures,
        trimmed=failed.trimmed | newer.trimmed,
        expired_ms=max(failed.expired_ms, newer.expired_ms),
        forgotten=failed.forgotten + newer.forgotten,
    )
