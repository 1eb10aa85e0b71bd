"""A bounded table that all nodes share, kept in the log of an internal room.

Each entry of the table has a numbered `Latest` slot in the room's log, which is used again once
its entry has ended. So the log never grows beyond the largest number of entries at one time, and a
node that starts reads no more than that. Every change is a compare-and-set on its slot, in the step
in which the broker appends it, so two nodes cannot overwrite each other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from typing import Final, Generic, TypeVar

import msgspec

from longwire.background import BackgroundTasks
from longwire.broker import Broker
from longwire.broker.slices import read_slices
from longwire.errors import BrokerUnavailable, Conflict
from longwire.log.condition import Condition
from longwire.log.publication import Draft, Publication
from longwire.server.rooms.hub import Hub
from longwire.types import Position

V = TypeVar("V")

logger = logging.getLogger("longwire.server")

# Seconds until a table whose log started over is read again, if the log could not be reached.
READ_AGAIN: Final = 0.25

_decode_entry: Final = msgspec.json.Decoder(tuple[str, msgspec.Raw]).decode


class TableFull(Exception):
    """The table has as many entries as it may have."""


class _Slot(Generic[V]):
    __slots__ = ("key", "offset", "value")

    def __init__(self, key: str, value: V | None, offset: int) -> None:
        self.key = key
        self.value = value
        self.offset = offset


class Table(Generic[V]):
    """Maps keys to values on every node; see the module.

    Args:
        broker: stores the log.
        hub: delivers changes of other nodes.
        room: the room, which must be one of `CONTROL_ROOMS`. Its name also names the entries.
        kind: the type of the values.
        limit: the largest number of entries.
        on_change: called with the key and the new value of each change, on every node and in the
            order of the log; None for an entry that has ended.
        has_ended: returns whether an entry no longer counts, so that its slot may be used again.
    """

    def __init__(
        self,
        broker: Broker,
        hub: Hub,
        room: str,
        kind: type[V],
        limit: int,
        on_change: Callable[[str, V | None], None],
        has_ended: Callable[[V], bool] = lambda value: False,
    ) -> None:
        self._broker = broker
        self._room = room
        self._hub = hub
        self._decode = msgspec.json.Decoder(kind).decode
        self._limit = limit
        self._on_change = on_change
        self._has_ended = has_ended
        self._position = Position("", 0)
        self._slots: dict[int, _Slot[V]] = {}
        self._numbers: dict[str, int] = {}
        self._free: list[int] = []
        # One write at a time: concurrent ones of a node would contend for the same free slot.
        self._lock = asyncio.Lock()
        self._tasks = BackgroundTasks()

    def __len__(self) -> int:
        return len(self._numbers)

    def get(self, key: str) -> V | None:
        """Return the value of a key on this node, None without one."""
        number = self._numbers.get(key)
        return None if number is None else self._slots[number].value

    def items(self) -> list[tuple[str, V]]:
        """Return all entries."""
        slots = map(self._slots.__getitem__, self._numbers.values())
        return [(slot.key, slot.value) for slot in slots if slot.value is not None]

    async def start(self) -> None:
        """Follow the log, and read what it holds.

        Raises:
            BrokerUnavailable: the log cannot be reached.
        """
        self._lock = asyncio.Lock()  # the server may have run in another event loop before
        self._hub.observe(self._room, self._receive)
        self._hub.observe_reset(self._room, self._receive_reset)
        await self._broker.subscribe_first(self._room)
        async with self._lock:
            await self._read()

    async def close(self) -> None:
        """Stop following the log. The entries stay, and are completed by the next `start`."""
        self._tasks.cancel()
        await self._tasks.wait(return_exceptions=True)

    async def update(self, key: str, change: Callable[[V | None], V | None]) -> V | None:
        """Replace the value of a key by `change(value)`; None ends the entry. Return the new value.

        `change` is called again if another node changed the entry meanwhile. Nothing is written if
        it returns an equal value.

        Raises:
            TableFull: there is no slot for another entry.
            BrokerUnavailable: the log cannot be reached; whether the change was made is unknown.
        """
        async with self._lock:
            return await self._update(key, change)

    # Writing, while `_lock` is held

    async def _update(self, key: str, change: Callable[[V | None], V | None]) -> V | None:
        while True:
            number = self._numbers.get(key)
            before = self.get(key)
            after = change(before)
            if after == before:
                return after
            if number is None:
                number = self._free_slot()
            if await self._write(number, key, after) and await self._keep_only(number, key):
                return after

    async def _write(self, number: int, key: str, value: V | None) -> bool:
        """Replace a slot; return False if another node changed it, after reading the change."""
        slot = self._slots.get(number)
        expected = None if slot is None else Position(self._position.epoch, slot.offset)
        draft = Draft(self._room, msgspec.json.encode((key, value)), f"{self._room} {number}")
        try:
            position = await self._broker.publish(
                self._room, draft, condition=Condition(expect=expected)
            )
        except Conflict:
            await self._read()
            return False
        if position.epoch == self._position.epoch:
            self._apply(number, key, value, position.offset)
        return True

    async def _keep_only(self, number: int, key: str) -> bool:
        """Return whether a slot that was written holds the only entry of its key.

        If another node added the key at the same time, and its entry precedes in the log, this one
        is ended, and the change has to be repeated on the other.
        """
        other = self._numbers.get(key)
        if other is None or other == number:
            return True
        await self._write(number, key, None)
        return False

    def _free_slot(self) -> int:
        while self._free:
            number = self._free.pop()
            if self._is_free(number):
                return number
        if len(self._slots) >= self._limit:
            self._free = [number for number in self._slots if self._is_free(number)]
            if self._free:
                return self._free.pop()
            raise TableFull(f"there are {len(self._numbers)} entries already")
        # The numbers in use need not be adjacent: an older log may have had a larger limit.
        number = len(self._slots)
        while number in self._slots:
            number += 1
        return number

    def _is_free(self, number: int) -> bool:
        value = self._slots[number].value
        return value is None or self._has_ended(value)

    # Following the log

    def _receive(self, room: str, publication: Publication) -> None:
        if room == self._room:
            self._apply_entry(publication)

    def _receive_reset(self, position: Position) -> None:
        self._tasks.start(self._read_again())

    async def _read_again(self) -> None:
        while True:
            try:
                async with self._lock:
                    await self._read()
                return
            except BrokerUnavailable as error:
                logger.info("%s", error)
                await asyncio.sleep(READ_AGAIN)

    async def _read(self) -> None:
        """Read what the log holds beyond what this node has read.

        Entries that a new log lacks, because its tail was lost, are written to it again.
        """
        lost: dict[str, V] = {}
        async with aclosing(read_slices(self._broker, self._room, self._position)) as slices:
            async for history in slices:
                if not history.recovered and history.position.epoch != self._position.epoch:
                    lost = dict(self.items())
                    self._slots, self._numbers, self._free = {}, {}, []
                    self._position = Position(history.position.epoch, 0)
                for publication in history.publications:
                    self._apply_entry(publication)
        for key, value in lost.items():
            if key not in self._numbers:
                await self._update(key, partial(_present_or, value))

    def _apply_entry(self, publication: Publication) -> None:
        number = int((publication.slot or "").rpartition(" ")[2])
        try:
            key, data = _decode_entry(publication.data)
            value = None if bytes(data) == b"null" else self._decode(data)
        except msgspec.MsgspecError:
            logger.warning("skipped an entry of %s that this version cannot read", self._room)
            self._slots[number] = _Slot("", None, publication.last)
        else:
            self._apply(number, key, value, publication.last)
        end = max(self._position.offset, publication.last)
        self._position = Position(self._position.epoch, end)

    def _apply(self, number: int, key: str, value: V | None, offset: int) -> None:
        slot = self._slots.get(number)
        if slot is not None and slot.offset >= offset:
            return  # known already, from the log or because this node wrote it
        self._slots[number] = _Slot(key, value, offset)
        if slot is not None and slot.key != key and self._numbers.get(slot.key) == number:
            del self._numbers[slot.key]
            self._on_change(slot.key, None)
        if value is None:
            self._free.append(number)
        holder = self._numbers.get(key)
        if holder is not None and holder != number:
            return  # the entry that precedes counts; see `_keep_only`
        if value is None:
            self._numbers.pop(key, None)
        else:
            self._numbers[key] = number
        self._on_change(key, value)


def _present_or(value: V, present: V | None) -> V:
    return value if present is None else present
