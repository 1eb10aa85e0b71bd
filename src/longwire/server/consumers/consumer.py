"""A consumer on one node: claims its share of the shards and works on them."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import msgspec

from longwire.background import BackgroundTasks
from longwire.broker import Broker
from longwire.broker.slices import read_slices
from longwire.clock import clock
from longwire.errors import BrokerUnavailable, Conflict, StaleAttempt
from longwire.log.condition import Condition
from longwire.log.publication import Draft
from longwire.log.retention import CONSUMER_PREFIX
from longwire.prepared import PreparedMessage
from longwire.server.consumers.delivery import ConsumerStatus, ParkedEvent
from longwire.server.consumers.feed import Feed
from longwire.server.consumers.membership import (
    BEAT,
    LISTENING,
    SHARDS,
    SUSPICION,
    Beat,
    Membership,
)
from longwire.server.consumers.parked import ParkedEvents
from longwire.server.consumers.positions import Positions
from longwire.server.consumers.registration import Registration
from longwire.server.consumers.shard import Counts, Shard, shard_of
from longwire.server.consumers.work import KeyedWork
from longwire.server.rooms.hub import Hub

logger = logging.getLogger("longwire.consumers")

CLOSE_GRACE: Final = 5.0
"""Seconds that handlers may take to end when the server stops; then they are cancelled."""
MARK_INTERVAL: Final = 5.0
"""Seconds between two looks for a newer mark to store."""
MARKS_PER_SWEEP: Final = 12
"""A sweep a minute: as often as brokers delete rooms."""

BEAT_EVENT: Final = "beat"
BEGINNING: Final = "beginning"

_ROOM: Final = "room"
_PARKED: Final = "parked"

# A piece of work: a room, or the retry of a parked event.
_Key = tuple[Shard, str, str]


class _Beginning(msgspec.Struct, frozen=True):
    """When and where a consumer was first started, on whichever node.

    Attributes:
        started_ms: events from before this time are not delivered.
        mark: rooms that were not written since this mark have no such events.
    """

    started_ms: int
    mark: str


class Consumer:
    """Runs one consumer on this node.

    With a shared broker the rooms are divided into shards, and the nodes that serve the consumer
    send each other volatile messages at short intervals. All of them derive the owner of each shard
    from the nodes that are alive; a node claims its shards once the former owner has released them
    or has fallen silent. Nodes may disagree for a moment: the fence of the positions decides.

    Args:
        registration: the consumer.
        broker: stores the logs.
        hub: delivers the messages of other nodes.
        feed: lists the rooms that were written.
        parked: the parked events.
        node: the id of this node.
    """

    def __init__(
        self,
        registration: Registration,
        broker: Broker,
        hub: Hub,
        feed: Feed,
        parked: ParkedEvents,
        node: str,
    ) -> None:
        self.registration = registration
        self._broker = broker
        self._hub = hub
        self._feed = feed
        self._parked = parked
        self._node = node
        self._room = CONSUMER_PREFIX + registration.name
        self._total = SHARDS if broker.is_shared else 1
        self._membership = Membership(node)
        self._counts = Counts()
        self._work: KeyedWork[_Key] = KeyedWork(registration.concurrency, self._run)
        self._shards: dict[int, Shard] = {}
        self._opening: set[int] = set()
        self._releasing: dict[int, Shard] = {}
        self._tasks = BackgroundTasks()
        self._beaten = 0.0
        self._claims_at = 0.0
        self._beginning = _Beginning(0, "")

    @property
    def status(self) -> ConsumerStatus:
        """The state of the consumer on this node."""
        return ConsumerStatus(
            name=self.registration.name,
            events=tuple(self.registration.decoders),
            shards=len(self._shards),
            total_shards=self._total,
            waiting=sum(len(shard.pending) for shard in self._shards.values()),
            handled=self._counts.handled,
            failed=self._counts.failed,
            parked=len(self._parked.all(self.registration.name)),
            overtaken=self._counts.overtaken,
            restarted=self._counts.restarted,
        )

    async def start(self) -> None:
        """Determine where the consumer begins.

        Raises:
            BrokerUnavailable: the logs cannot be reached.
        """
        self._beginning = await self._begin()

    def serve(self) -> None:
        """Begin to take part."""
        self._tasks.start(self._serve())
        self._tasks.start(self._maintain())

    async def close(self) -> None:
        """Let running handlers end, and give the shards to other nodes."""
        self._tasks.cancel()
        await self._tasks.wait(return_exceptions=True)
        for shard in self._shards.values():
            shard.stop()
        await self._work.close(CLOSE_GRACE)
        if self._broker.is_shared:
            try:
                await self._send(Beat(node=self._node, is_leaving=True))
                await self._hub.unlisten(self._room, self._receive)
            except BrokerUnavailable as error:
                logger.info("%s", error)

    def notify(self, rooms: Iterable[str], count: int) -> None:
        """Read rooms that may have unread entries."""
        for room in rooms:
            shard = self._shards.get(shard_of(room, self._total))
            if shard is not None:
                shard.notify(room, count)
                self._work.add((shard, _ROOM, room))

    def retry(self, event: ParkedEvent) -> None:
        """Call the handler with a parked event, if this node works on its room."""
        shard = self._shards.get(shard_of(event.room, self._total))
        if shard is not None:
            self._work.add((shard, _PARKED, event.id))

    async def _run(self, key: _Key) -> float | None:
        shard, kind, name = key
        if shard.is_stopped:
            return None
        return await (shard.read_room(name) if kind == _ROOM else shard.retry_parked(name))

    def _may_work(self) -> bool:
        if not self._broker.is_shared:
            return True
        return asyncio.get_running_loop().time() - self._beaten < SUSPICION

    # Taking part

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        is_listening = not self._broker.is_shared
        self._beaten = loop.time()
        self._claims_at = 0.0 if is_listening else loop.time() + LISTENING
        while True:
            try:
                if not is_listening:
                    await self._hub.listen(self._room, self._receive)
                    is_listening = True
                await self._step()
            except BrokerUnavailable as error:
                logger.info("%s", error)
            except Exception:
                logger.exception("consumer %r: a step failed", self.registration.name)
            await asyncio.sleep(BEAT)

    async def _step(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._broker.is_shared:
            if now - self._beaten > SUSPICION:
                self._drop_all()
                self._claims_at = now + LISTENING
            await self._send(self._beat())
            self._beaten = now
        if now >= self._claims_at:
            self._membership.expire(now)
            self._balance()

    async def _maintain(self) -> None:
        """Store the marks of all shards, and now and then sweep their positions."""
        for turn in itertools.count(1):
            await asyncio.sleep(MARK_INTERVAL)
            for shard in list(self._shards.values()):
                try:
                    await shard.save_mark()
                    if turn % MARKS_PER_SWEEP == 0:
                        await shard.sweep()
                except StaleAttempt:
                    shard.stop()
                except BrokerUnavailable as error:
                    logger.info("%s", error)

    async def _begin(self) -> _Beginning:
        """Return where the consumer begins; the first node to ask decides it for good."""
        async for history in read_slices(self._broker, self._room):
            for entry in history.publications:
                if entry.event == BEGINNING:
                    return msgspec.json.decode(entry.data, type=_Beginning)
        beginning = _Beginning(0, "")
        if self.registration.start == "now":
            mark = (await self._broker.written_since("")).mark
            beginning = _Beginning(int(clock.time() * 1000), mark)
        draft = Draft(BEGINNING, msgspec.json.encode(beginning), BEGINNING)
        try:
            await self._broker.publish(self._room, draft, condition=Condition(expect=None))
        except Conflict as conflict:
            return msgspec.convert(conflict.value, _Beginning)
        return beginning

    # Other nodes

    def _beat(self) -> Beat:
        held = {*self._shards, *self._opening, *self._releasing}
        return Beat(node=self._node, shards=tuple(sorted(held)))

    async def _send(self, beat: Beat) -> None:
        draft = Draft(BEAT_EVENT, msgspec.json.encode(beat))
        await self._broker.publish_volatile(self._room, draft)

    def _receive(self, message: PreparedMessage) -> None:
        if message.event != BEAT_EVENT:
            return
        try:
            beat = msgspec.json.decode(message.data, type=Beat)
        except msgspec.MsgspecError:
            return  # of another version
        self._membership.receive(beat, asyncio.get_running_loop().time())

    # Shards

    def _balance(self) -> None:
        """Claim the shards that are this node's, and release the others."""
        for number in [number for number, shard in self._shards.items() if shard.is_stopped]:
            logger.info("consumer %r lost shard %d", self.registration.name, number)
            self._drop(number)
        for number in range(self._total):
            if not self._membership.is_own(number):
                if number in self._shards:
                    shard = self._releasing[number] = self._shards.pop(number)
                    shard.stop()
                    self._tasks.start(self._release(number, shard))
            elif not self._membership.is_held(number) and not self._has(number):
                self._opening.add(number)
                self._tasks.start(self._open(number))

    def _has(self, number: int) -> bool:
        return number in self._shards or number in self._opening or number in self._releasing

    async def _open(self, number: int) -> None:
        positions = Positions(self._broker, self.registration.name, number)
        shard = Shard(
            self.registration,
            self._broker,
            positions,
            self._feed,
            self._parked,
            self._counts,
            self._beginning.started_ms,
            self._may_work,
        )
        try:
            if not await positions.claim(self._node):
                return
            self._shards[number] = shard  # from now on it is notified of rooms that are written
            unread = await shard.find_unread(self._beginning.mark, number, self._total)
            self.notify(unread, self._feed.count)
            for event in self._parked.all(self.registration.name):
                if event.is_retrying:
                    self.retry(event)
        except BrokerUnavailable as error:
            logger.info("%s", error)
            self._drop(number)
        except Exception:
            logger.exception("consumer %r cannot open its positions", self.registration.name)
            self._drop(number)
        finally:
            self._opening.discard(number)

    async def _release(self, number: int, shard: Shard) -> None:
        """Give up a shard once its running handlers have ended."""
        await shard.until_idle()
        del self._releasing[number]
        with suppress(BrokerUnavailable):
            await self._send(self._beat())  # so that the next owner need not wait for the next one

    def _drop_all(self) -> None:
        """Give up all shards at once: other nodes may have taken them."""
        for number in list(self._shards):
            self._drop(number)

    def _drop(self, number: int) -> None:
        shard = self._shards.pop(number, None)
        if shard is not None:
            shard.stop()
            for room in shard.pending:
                self._work.discard((shard, _ROOM, room))
