"""How far a consumer has handled each room, in the log of an internal room.

Each shard of a consumer has a log. The node that works on the shard has claimed an *attempt* of
that log, and fences every write with it: when another node has claimed the next attempt, the writes
of this one are refused in the step that would append them. So a node that was frozen while another
one took over cannot move a position.

Each handled room has a numbered `Latest` slot, which is used for another room when the room is
gone. So the log is bounded by the number of rooms.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import Final

import msgspec

from longwire.broker import Broker
from longwire.broker.slices import read_slices
from longwire.errors import StaleAttempt
from longwire.log.condition import Condition, Fence, FenceAction
from longwire.log.publication import Draft, Publication
from longwire.log.retention import CONSUMER_PREFIX

CLAIM: Final = "claim"
MARK: Final = "mark"


class Handled(msgspec.Struct, array_like=True, frozen=True):
    """How far a consumer has handled one room.

    Attributes:
        room: the name of the room.
        epoch: the epoch of its log.
        offset: the last handled event; 0 if none was.
        id: the id of that event (`id_of`), which tells whether a log of another epoch has it.
        failures: how often the handler failed with the event that follows.
    """

    room: str
    epoch: str = ""
    offset: int = 0
    id: str = ""
    failures: int = 0


_decode: Final = msgspec.json.Decoder(Handled | None).decode
_encode: Final = msgspec.json.encode


class Positions:
    """The positions of one shard of a consumer.

    Args:
        broker: stores the log.
        consumer: the name of the consumer.
        shard: the number of the shard.

    Attributes:
        mark: the mark of `Broker.written_since` up to which everything was handled, as stored;
            None before the first one.
    """

    def __init__(self, broker: Broker, consumer: str, shard: int) -> None:
        self._broker = broker
        self._room = f"{CONSUMER_PREFIX}{consumer} {shard}"
        self._attempt = 0
        self._epoch = ""
        self._handled: dict[str, Handled] = {}
        self._numbers: dict[str, int] = {}
        self._free: list[int] = []
        self._end = 0
        self.mark: str | None = None

    @property
    def rooms(self) -> list[str]:
        """The rooms with a position."""
        return list(self._numbers)

    def get(self, room: str) -> Handled | None:
        """Return how far a room was handled; None if none of its events was."""
        return self._handled.get(room)

    async def claim(self, node: str) -> bool:
        """Take the shard from its present owner, and read its positions.

        Returns:
            False if another node claims it at the same time.

        Raises:
            BrokerUnavailable: the log cannot be reached. The shard may have been claimed.
        """
        try:
            await self._claim(node, 1)
        except StaleAttempt as current:
            try:
                await self._claim(node, current.attempt + 1)
            except StaleAttempt:
                return False
        await self._read()
        return True

    async def save(self, handled: Handled) -> None:
        """Store how far a room was handled.

        Raises:
            StaleAttempt: another node has claimed the shard; nothing was stored.
            BrokerUnavailable: the log cannot be reached; the position may have been stored.
        """
        number = self._numbers.get(handled.room)
        if number is None:
            number = self._free.pop() if self._free else self._end
            self._end = max(self._end, number + 1)
            self._numbers[handled.room] = number
        self._handled[handled.room] = handled
        await self._store(number, handled)

    async def save_mark(self, mark: str) -> None:
        """Store a mark up to which everything was handled; raises like `save`."""
        await self._append(MARK, _encode(mark))
        self.mark = mark

    async def forget(self, room: str) -> None:
        """Drop the position of a room that is gone; raises like `save`."""
        number = self._numbers.pop(room, None)
        self._handled.pop(room, None)
        if number is not None:
            await self._store(number, None)
            self._free.append(number)

    async def _claim(self, node: str, attempt: int) -> None:
        self._attempt = attempt
        await self._append(CLAIM, _encode(node), "claim")

    async def _read(self) -> None:
        async with aclosing(read_slices(self._broker, self._room)) as slices:
            async for history in slices:
                if not history.recovered:
                    self._handled, self._numbers, self._free, self._end = {}, {}, [], 0
                self._epoch = history.position.epoch
                for entry in history.publications:
                    self._apply(entry)
        self._free = sorted(set(range(self._end)) - set(self._numbers.values()), reverse=True)

    def _apply(self, entry: Publication) -> None:
        if entry.event == MARK:
            self.mark = msgspec.json.decode(entry.data, type=str)
        elif entry.event != CLAIM:
            number = int(entry.event)
            self._end = max(self._end, number + 1)
            handled = _decode(entry.data)
            if handled is not None:
                self._handled[handled.room] = handled
                self._numbers[handled.room] = number

    async def _store(self, number: int, handled: Handled | None) -> None:
        await self._append(str(number), _encode(handled))

    async def _append(self, name: str, data: bytes, action: FenceAction = "append") -> None:
        position = await self._broker.publish(
            self._room,
            Draft(name, data, name),
            condition=Condition(Fence(self._attempt, action)),
        )
        if action == "append" and position.epoch != self._epoch:
            await self._restore(position.epoch)

    async def _restore(self, epoch: str) -> None:
        """Write all positions again to a log that may have lost its newest entries."""
        self._epoch = epoch
        for room, number in list(self._numbers.items()):
            await self._store(number, self._handled[room])
