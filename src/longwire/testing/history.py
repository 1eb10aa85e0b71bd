"""Records what was published and what each reader received, and checks that they agree.

    history = History()
    history.reader("ada").follow(client, "job:42")
    await history.publish(worker, JobStatus(job_id="42", status="running"))
    await history.caught_up()
    history.check()

In between, connections may be cut, servers killed and readers stalled. `check` proves that each
reader received exactly what was published, or raises with the first offset that is wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from longwire.catalog import CATALOG
from longwire.client import LogEntry, RoomReset, WebSocketClient
from longwire.errors import InvalidRoom
from longwire.schema import Contract, Event
from longwire.testing.proof import Observation, Proof, prove
from longwire.testing.records import Attempt, Entry, Frame, RoomRecord, Segment
from longwire.types import Position


class Publisher(Protocol):
    """An object that can publish events: a server or a client."""

    def publish(
        self, event: Event, *, room: str | None = None, id: str | None = None
    ) -> Awaitable[Position]:
        """Append an event to the log of its room."""
        ...


class History:
    """Records the publications and readers of one test; it belongs to one event loop.

    Record every publication to a room that has a reader. An event that a reader receives without
    a recorded publication is a fault (`Fault.INVENTED`).

    Args:
        contract: declares how the events conflate.
    """

    def __init__(self, contract: Contract = CATALOG) -> None:
        self._contract = contract
        self._rooms: dict[str, RoomRecord] = {}
        self._readers: dict[str, Reader] = {}
        self._publishers: dict[Publisher, str] = {}
        self._changed = asyncio.Event()

    # Publishing

    async def publish(
        self, host: Publisher, event: Event, *, room: str | None = None, id: str | None = None
    ) -> Position:
        """Publish an event through `host`, and record it.

        The log must keep the order in which one host publishes. If this call raises or is
        cancelled, the log may contain the event once or not at all.
        """
        name = self._publishers.setdefault(host, f"publisher {len(self._publishers) + 1}")
        attempt = self.offer(event, room=room, id=id, publisher=name)
        position = await host.publish(event, room=room, id=id)
        self.acknowledge(attempt, position)
        return position

    def offer(
        self,
        event: Event,
        *,
        room: str | None = None,
        id: str | None = None,
        publisher: str | None = None,
    ) -> Attempt:
        """Record that an event is about to be published by other means.

        Args:
            event: the event.
            room: the room, if the event does not declare one.
            id: retries with the same id, room and event count as one publication.
            publisher: the log must keep the order of the offers of one publisher. None means
                that the order does not matter.

        Raises:
            InvalidRoom: neither `room` nor the event names a room.
        """
        encoded = self._contract.encode(event, 0, room)
        if encoded.room is None:
            raise InvalidRoom("", f"{encoded.event} declares no room: pass room=")
        entry = Entry.read(encoded.event, encoded.data, encoded.slot, encoded.concat)
        return self._room(encoded.room).offer(entry, id, publisher)

    def acknowledge(self, attempt: Attempt, position: Position) -> None:
        """Record the position that the publisher of an offered event received."""
        self._room(attempt.room).acknowledge(attempt, position)

    def forget(self, room: str, offset: int) -> None:
        """Record that retention may have dropped entries up to `offset`, except state."""
        self._room(room).forgotten = offset

    # Reading

    def reader(self, name: str) -> Reader:
        """Return the reader with this name; create it if it does not exist."""
        return self._readers.setdefault(name, Reader(name, self._changed))

    async def caught_up(self) -> None:
        """Wait until each reader has received every acknowledged entry of its rooms."""
        while not all(map(self._is_caught_up, self._readers.values())):
            self._changed.clear()
            await self._changed.wait()

    def check(self) -> Proof:
        """Check, for every room and reader, that each entry was received once and in order.

        Returns:
            The numbers of what was checked.

        Raises:
            BrokenPromise: an entry was lost, duplicated, reordered or invented; names the first.
        """
        observations = [
            Observation(reader.name, self._room(room).name, segments, reader.resets.get(room, 0))
            for reader in self._readers.values()
            for room, segments in reader.segments.items()
        ]
        return prove(self._rooms, observations)

    def _room(self, name: str) -> RoomRecord:
        return self._rooms.setdefault(name, RoomRecord(name))

    def _is_caught_up(self, reader: Reader) -> bool:
        for name in reader.segments:
            room, position = self._room(name), reader.position(name)
            if room.end and (position.epoch != room.epoch or position.offset < room.end):
                return False
        return True


class Reader:
    """Records what one client received, in order.

    Attributes:
        name: the name that faults report.
        segments: by room, the frames received since the reader joined and since each restart.
        resets: by room, how often the server told the reader to start over.
    """

    def __init__(self, name: str, changed: asyncio.Event) -> None:
        self.name = name
        self.segments: dict[str, list[Segment]] = {}
        self.resets: dict[str, int] = {}
        self._changed = changed

    def join(self, room: str, after: Position | None = None) -> None:
        """Record that the reader joined a room, at its start or after the position `after`."""
        start = Segment("", 0) if after is None else Segment(after.epoch, after.offset)
        self.segments[room] = [start]

    def position(self, room: str) -> Position:
        """Return the position that the reader has reached in a room that it joined."""
        return self.segments[room][-1].position

    async def reaches(self, room: str, offset: int) -> None:
        """Wait until the reader has received the entry at `offset`."""
        while self.position(room).offset < offset:
            self._changed.clear()
            await self._changed.wait()

    def apply(self, room: str, epoch: str, frame: Frame) -> None:
        """Record that the reader received a frame; ignore rooms that it has not joined."""
        segments = self.segments.get(room)
        if segments is None:
            return
        newest = segments[-1]
        newest.epoch = newest.epoch or epoch
        if newest.epoch != epoch or (frame.first == 1 and newest.frames):
            newest = Segment(epoch, 0)
            segments.append(newest)
        newest.frames.append(frame)
        self._changed.set()

    def reset(self, room: str) -> None:
        """Record that the server told the reader to start a room over."""
        self.resets[room] = self.resets.get(room, 0) + 1

    def follow(self, client: WebSocketClient, *rooms: str) -> Callable[[], None]:
        """Record what `client` receives in `rooms` from their start; return how to stop.

        The client still has to join the rooms.
        """
        for room in rooms:
            self.join(room)

        def receive(entry: LogEntry) -> None:
            position = client.position(entry.room)
            if position is not None:
                frame = Frame(entry.first, entry.last, entry.event, bytes(entry.data))
                self.apply(entry.room, position.epoch, frame)

        def receive_reset(reset: RoomReset) -> None:
            self.reset(reset.room)

        stop_entries = client.on_entry(receive)
        stop_resets = client.on(RoomReset, receive_reset)

        def stop() -> None:
            stop_entries()
            stop_resets()

        return stop
