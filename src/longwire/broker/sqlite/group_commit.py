"""Group commit: publishes that arrive while a transaction is written share the next one.

One task (`GroupCommit._run`) owns the order of things, and one thread owns the file::

    publish() ─> _queue ────────┐                           ┌─> RoomLog.append, deliver, reply
                                ├─> Transaction ─> thread ──┤
    erase(), delete() ─> _changes                           └─> on failure: reject the publishes

A log in memory changes only after the commit, so reads never return what a crash could lose. The
entries that a log then supersedes, joins or drops are deleted from the file by the next
transaction (`RoomLog.journal`).
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from msgspec import UNSET

from longwire.background import new_future
from longwire.broker.idempotency import WINDOW_MS, IdempotencyWindow, Receipt, fingerprint
from longwire.broker.sqlite.file import LogFile, RoomRow, Transaction, open_log_file
from longwire.errors import BrokerUnavailable, IdempotencyConflict, LogFileError, LongwireError
from longwire.log.condition import NO_ATTEMPT, Attempt, Condition, check
from longwire.log.publication import Draft, Publication
from longwire.log.retention import RetentionLimits
from longwire.log.room_log import RoomLog
from longwire.types import Position

MAX_BATCH = 1_000
"""Publishes in one transaction: their delivery blocks the event loop for about 10 ms."""


class LoadedLog(msgspec.Struct, frozen=True):
    """The committed part of a room's log in memory, and the publish ids of the room."""

    log: RoomLog
    window: IdempotencyWindow


@dataclass(eq=False, repr=False, slots=True)
class SQLiteRoom:
    """A room of the file. Its log may or may not be in memory.

    Attributes:
        attempt: the newest attempt of the room's job, as committed.
        end: the offset of the newest entry, valid while `loaded` is None.
        loaded: the log in memory, or None.
        loading: the result of the load in progress, or None.
        stored: whether the file contains the room.
        trimmed: the highest dropped offset, as stored or about to be.
        pending: the number of loads and publishes in progress; `loaded` must stay until they end.
        written_ms: when the room was last written.
        written: increases with each write of any room; 0 for a room that was not written.
    """

    id: int
    name: str
    epoch: str
    trimmed: int
    written_ms: int
    attempt: Attempt = NO_ATTEMPT
    end: int = 0
    loaded: LoadedLog | None = None
    loading: asyncio.Future[LoadedLog] | None = None
    stored: bool = False
    pending: int = 0
    written: int = 0

    @property
    def position(self) -> Position:
        """The end of its log."""
        loaded = self.loaded
        return Position(self.epoch, self.end) if loaded is None else loaded.log.position


@dataclass(eq=False, repr=False, slots=True)
class _QueuedPublish:
    """A publish that waits for its commit.

    Attributes:
        body: the fingerprint of the event; empty without an id.
        offset: the offset that it gets, or that of the publish that it repeats.
        position: the result, which the publisher awaits.
    """

    room: SQLiteRoom
    loaded: LoadedLog
    draft: Draft
    id: str | None
    condition: Condition | None
    body: bytes = field(init=False)
    offset: int = 0
    position: asyncio.Future[Position] = field(default_factory=new_future)

    def __post_init__(self) -> None:
        self.body = b"" if self.id is None else fingerprint(self.draft)

    def succeed(self) -> None:
        """Return the position to the publisher, unless it was cancelled."""
        if not self.position.done():
            self.position.set_result(Position(self.room.epoch, self.offset))

    def fail(self, error: Exception) -> None:
        """Raise `error` at the publisher, unless it was cancelled."""
        if not self.position.done():
            self.position.set_exception(error)


class GroupCommit:
    """Writes publishes to the file in batches. Owns the file, its thread and the writing task.

    Publishes are committed, delivered and answered in the order in which they were called.

    Args:
        deliver: called after a commit for each entry, with the room, the entry and the number of
            bytes by which the log has grown.
        now_ms: returns the time.
    """

    def __init__(
        self, deliver: Callable[[SQLiteRoom, Publication, int], None], now_ms: Callable[[], int]
    ) -> None:
        self._deliver = deliver
        self._now_ms = now_ms
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="longwire-log")
        self._file: LogFile
        self._writer: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._closing = False
        self._queue: list[_QueuedPublish] = []
        # Changes that no publisher waits for, and rooms whose journal has to be collected.
        self._changes = Transaction()
        self._erasing: dict[int, SQLiteRoom] = {}

    async def open(self, path: Path) -> list[RoomRow]:
        """Open the file, start writing, and return the rooms in it, last written last.

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
        self._writer = loop.create_task(self._run())
        return rooms

    async def check(self) -> None:
        """Return if the thread is not stuck, and the file is still there.

        Raises:
            BrokerUnavailable: the file was deleted or replaced.
        """
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._file.check)
        except LogFileError as error:
            raise BrokerUnavailable(str(error)) from error

    async def close(self) -> None:
        """Commit what is queued and close the file. Does nothing if it is not open."""
        if self._writer is None or self._closing:
            return
        self._closing = True
        self._wake.set()
        await self._writer
        loop = asyncio.get_running_loop()
        with suppress(sqlite3.Error):  # the next process detects that the file was not closed
            await loop.run_in_executor(self._thread, self._file.close)
        self._thread.shutdown(wait=False)

    async def load(self, room: SQLiteRoom, limits: RetentionLimits) -> LoadedLog:
        """Read the room's log from the file; concurrent callers share one read.

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

    async def load_without_text(self, room: SQLiteRoom, limits: RetentionLimits) -> RoomLog:
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

    def _load(self, room: SQLiteRoom, limits: RetentionLimits, now_ms: int) -> LoadedLog:
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
        self, room: SQLiteRoom, end: int, limits: RetentionLimits, now_ms: int
    ) -> RoomLog:
        entries = self._file.entries(room.id, with_text=False)
        log = RoomLog.restore(room.epoch, entries, trimmed=room.trimmed, end=end, limits=limits)
        log.trim(now_ms)
        return log

    async def publish(
        self,
        room: SQLiteRoom,
        loaded: LoadedLog,
        draft: Draft,
        id: str | None,
        condition: Condition | None,
    ) -> Position:
        """Append to the room's log, and return once it is committed; see `Broker.publish`."""
        if self._closing:
            raise BrokerUnavailable("the broker is closing")
        # Raise here for text that SQLite would reject; it would fail the whole transaction.
        f"{room.name}{draft.event}{draft.slot}{draft.concat}{id}".encode()
        publish = _QueuedPublish(room, loaded, draft, id, condition)
        room.pending += 1
        self._queue.append(publish)
        self._wake.set()
        return await publish.position

    def erase(self, room: SQLiteRoom) -> None:
        """Apply the erasures of the room's log to the file with the next transaction."""
        self._erasing[room.id] = room

    def expire_receipts(self, now_ms: int) -> None:
        """Delete expired receipts."""
        self._changes.expired_ms = now_ms
        self._wake.set()

    def delete(self, room: SQLiteRoom) -> None:
        """Delete a room with its entries and receipts."""
        self._erasing.pop(room.id, None)
        if room.stored:
            self._changes.deleted.append(room.id)
            self._wake.set()

    def release(self, room: SQLiteRoom) -> None:
        """Collect the erasures of the room's log, so that `loaded` may be dropped."""
        self._collect_erasures(room)
        self._wake.set()

    def _collect_erasures(self, room: SQLiteRoom) -> None:
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

    async def _run(self) -> None:
        while self._queue or not self._closing:
            await self._wake.wait()
            self._wake.clear()
            await self._write_pending()
        await self._write_pending()

    async def _write_pending(self) -> None:
        for room in list(self._erasing.values()):
            self._collect_erasures(room)
        if self._queue or self._changes:
            await self._write_batch()
        if self._queue:
            self._wake.set()

    async def _write_batch(self) -> None:
        """Commit one batch, then update the logs, deliver, and answer the publishers.

        If the commit fails, the publishers get `BrokerUnavailable` and the logs stay as they were;
        their offsets are assigned again. Other changes are retried with the next batch.
        """
        now_ms = self._now_ms()
        batch, self._queue = self._queue[:MAX_BATCH], self._queue[MAX_BATCH:]
        changes, self._changes = self._changes, Transaction()
        new = _assign_offsets(batch, changes, now_ms)
        try:
            if changes:
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self._thread, self._file.commit, changes)
        except Exception as error:
            self._changes = _retried(changes, self._changes)
            for publish in batch:
                publish.room.pending -= 1
                publish.fail(BrokerUnavailable(f"the log file cannot be written: {error}"))
            return
        for publish in new:
            publish.room.attempt = changes.attempts.get(publish.room.id, publish.room.attempt)
            self._append(publish, now_ms)
        for publish in batch:
            publish.room.pending -= 1
            publish.succeed()

    def _append(self, publish: _QueuedPublish, now_ms: int) -> None:
        """Append a committed entry to the log in memory, and deliver it."""
        room, loaded = publish.room, publish.loaded
        before = loaded.log.byte_count
        publication = loaded.log.append(publish.draft, now_ms)
        room.stored = True
        room.written_ms = now_ms
        if publish.id is not None:
            loaded.window.add(publish.id, _receipt(publish, now_ms))
        if loaded.log.journal:
            self.erase(room)
        try:
            self._deliver(room, publication, loaded.log.byte_count - before)
        except Exception as error:
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"a receiver raised, in room {room.name!r}", "exception": error}
            )


def _unreadable(room: SQLiteRoom, error: Exception) -> BrokerUnavailable:
    return BrokerUnavailable(f"cannot read the log of room {room.name!r}: {error}")


def _assign_offsets(
    batch: list[_QueuedPublish], changes: Transaction, now_ms: int
) -> list[_QueuedPublish]:
    """Assign offsets, add the entries to the transaction, and return the publishes to append.

    A publish that repeats another one gets its offset; one that conflicts is rejected.
    """
    ends: dict[int, int] = {}  # the logs in memory do not contain this batch yet
    firsts: dict[tuple[int, str], _QueuedPublish] = {}
    merged: dict[tuple[int, str | None], _QueuedPublish] = {}
    new: list[_QueuedPublish] = []
    for publish in batch:
        try:
            if publish.id is not None and _resolve_repeat(publish, publish.id, firsts, now_ms):
                continue
            if publish.condition is not None or publish.draft.merge is not None:
                _admit(publish, changes.attempts, new, merged)
        except LongwireError as refusal:
            if firsts.get((publish.room.id, publish.id or "")) is publish:
                del firsts[publish.room.id, publish.id or ""]
            publish.fail(refusal)
            continue
        room = publish.room
        if room.id not in ends:
            ends[room.id] = publish.loaded.log.position.offset
            if not room.stored:
                changes.rooms.append((room.id, room.name, room.epoch))
        publish.offset = ends[room.id] = ends[room.id] + 1
        changes.entries.append((room.id, _publication(publish, now_ms)))
        if publish.id is not None:
            changes.receipts.append((room.id, publish.id, _receipt(publish, now_ms)))
        new.append(publish)
    return new


def _admit(
    publish: _QueuedPublish,
    attempts: dict[int, Attempt],
    earlier: list[_QueuedPublish],
    merged: dict[tuple[int, str | None], _QueuedPublish],
) -> None:
    """Check the condition of a publish, and apply a patch, in view of the batch's earlier ones.

    `merged` has the newest publish of each slot with patches: a search would take quadratic time.

    Replaces the draft of a patch by the merged one. The fingerprint remains that of the patch.
    """
    room, condition, draft = publish.room, publish.condition, publish.draft
    newest: Publication | None = None
    place = (room.id, draft.slot)
    if draft.merge is not None:
        older = merged.get(place)
        newest = publish.loaded.log.find_newest(draft) if older is None else _publication(older, 0)
    elif condition is not None and condition.expect is not UNSET:
        newest = _find_newest(publish, earlier)
    current = attempt = attempts.get(room.id, room.attempt)
    if condition is not None:
        attempt = check(condition, current, newest, room.epoch)
    if draft.merge is not None:
        publish.draft = draft.merged(None if newest is None else newest.data)
        merged[place] = publish
    if attempt != current:
        attempts[room.id] = attempt


def _find_newest(publish: _QueuedPublish, earlier: list[_QueuedPublish]) -> Publication | None:
    """Return the newest entry of the event and slot, in the batch or in the log."""
    room, draft = publish.room, publish.draft
    for other in reversed(earlier):
        found = other.draft
        if other.room is room and found.slot == draft.slot and found.event == draft.event:
            return _publication(other, 0)
    return publish.loaded.log.find_newest(draft)


def _resolve_repeat(
    publish: _QueuedPublish,
    id: str,
    firsts: dict[tuple[int, str], _QueuedPublish],
    now_ms: int,
) -> bool:
    """Give `publish` the offset of the publish that it repeats, and return True; False if new.

    The other one was committed before, or is earlier in the batch (`firsts`).

    Raises:
        IdempotencyConflict: the other one has the same id and a different event.
    """
    known = publish.loaded.window.find(publish.room.name, id, publish.body, now_ms)
    if known is None:
        first = firsts.setdefault((publish.room.id, id), publish)
        if first is publish:
            return False
        if first.body != publish.body:
            raise IdempotencyConflict(publish.room.name, id)
        known = first.offset
    publish.offset = known
    return True


def _publication(publish: _QueuedPublish, now_ms: int) -> Publication:
    draft, offset = publish.draft, publish.offset
    return Publication(offset, offset, draft.event, draft.data, draft.slot, draft.concat, now_ms)


def _receipt(publish: _QueuedPublish, now_ms: int) -> Receipt:
    return Receipt(publish.body, publish.offset, now_ms + WINDOW_MS)


def _retried(failed: Transaction, newer: Transaction) -> Transaction:
    """Return the changes of a failed transaction, except its publishes, and the newer changes."""
    return Transaction(
        erasures=failed.erasures + newer.erasures,
        trimmed=failed.trimmed | newer.trimmed,
        expired_ms=max(failed.expired_ms, newer.expired_ms),
        deleted=failed.deleted + newer.deleted,
    )
