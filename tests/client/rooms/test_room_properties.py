"""Properties: over cuts, gaps and late joins, every reader receives the whole log exactly once."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from longwire import CATALOG
from longwire.catalog import JobOutput
from longwire.client.handlers.handler import Handler
from longwire.client.handlers.registry import Subscriptions
from longwire.client.receiving.inbox import Inbox
from longwire.client.rooms.rooms import Rooms
from longwire.connection.events import EventReceived

ROOM = "job:1"

Step = Callable[["World"], None]


class RoomServer:
    """A room of a server for one client; the messages that it sends wait in `outgoing`."""

    def __init__(self, choices: random.Random) -> None:
        self.choices = choices
        self.log = ""
        self.trimmed = 0
        self.epoch = 0
        self.is_member = False
        self.outgoing: deque[Callable[[], None]] = deque()
        self.inbox: Inbox

    def publish(self, text: str) -> None:
        for character in text:
            self.log += character
            if self.is_member:
                self.push(len(self.log), len(self.log), character)

    def push(self, first: int, last: int, text: str) -> None:
        place = f"{last}@{ROOM}" if first == last else f"{first}-{last}@{ROOM}"
        data = {"jobId": "1", "chunk": text, "isComplete": False, "timestamp": 1}
        args = tuple(msgspec.Raw(msgspec.json.encode(value)) for value in (data, place))
        event = EventReceived("/", "job:output", args)
        self.outgoing.append(lambda: self.inbox.receive_event(event, has_positions=True))

    def request(
        self, name: str, args: tuple[object, ...], answered: Callable[[list[Any] | None], None]
    ) -> None:
        """Answer a join: the acknowledgement, then the replay in frames of any size."""
        if name == "ping":
            self.outgoing.append(lambda: answered([{}]))
            return
        assert name == "join_room"
        since, recovered = 0, False
        if len(args) > 1:
            position: Any = args[1]
            mine = position.epoch == str(self.epoch)
            recovered = mine and self.trimmed <= position.offset <= len(self.log)
            since = position.offset if recovered else 0
        answer = {
            "ok": True,
            "room": ROOM,
            "epoch": str(self.epoch),
            "offset": len(self.log),
            "recovered": recovered,
        }
        self.outgoing.append(lambda: answered([answer]))
        self.is_member = True
        start = since
        while start < len(self.log) > self.trimmed:
            end = self.choices.randint(max(start, self.trimmed) + 1, len(self.log))
            self.push(start + 1, end, self.log[max(start, self.trimmed) : end])
            start = end

    def send(self, name: str, args: tuple[object, ...]) -> None:
        assert name == "leave_room"
        self.is_member = False

    def pause(self) -> None:
        """No task awaits the joins."""


class Reader:
    """Joins the text that it receives; a reset empties it."""

    def __init__(self, world: World) -> None:
        self.text = ""
        names = ("job:output", "room_reset")
        self.subscription = Handler(world.subscriptions, names, ROOM, self.receive).subscription

    def receive(self, event: Any) -> None:
        self.text = self.text + event.chunk if isinstance(event, JobOutput) else ""


def ignored(*_: object) -> None:
    pass


class World:
    """One client in one room."""

    def __init__(self, seed: int) -> None:
        self.server = RoomServer(random.Random(seed))
        self.subscriptions = Subscriptions(10**6, lambda: None)
        self.rooms = Rooms(self.announce_reset, ignored, ignored, lambda attempt: 0.0)
        self.inbox = Inbox(CATALOG, self.subscriptions, self.rooms, {})
        self.server.inbox = self.inbox
        self.readers = [Reader(self)]
        self.subscriptions.add(self.readers[0].subscription)
        self.rooms.join(ROOM, None)
        self.rooms.resume(self.server)

    def announce_reset(self, reset: Any) -> None:
        self.inbox.announce("room_reset", ROOM, (reset,))

    def deliver(self, count: int) -> None:
        for _ in range(count):
            if self.server.outgoing:
                self.server.outgoing.popleft()()

    def cut(self) -> None:
        self.server.outgoing.clear()
        self.server.is_member = False
        self.rooms.suspend()
        self.rooms.resume(self.server)

    def miss(self) -> None:
        """Lose one frame. No transport does this, but a faulty server might."""
        if self.server.is_member and self.rooms.positions.find(ROOM).cursor is not None:
            self.server.log += "?"

    def read_late(self) -> None:
        reader = Reader(self)
        self.readers.append(reader)
        subscription = reader.subscription
        self.rooms.positions.read_late(
            ROOM, subscription, lambda: self.subscriptions.add(subscription)
        )

    def hold_back(self) -> None:
        member = self.rooms.positions.find(ROOM)
        if member.cursor is not None and not member.is_blocked:
            self.rooms.positions.hold_back(member)

    def trim(self) -> None:
        """Drop the older half of the log, as retention does."""
        self.server.trimmed = (self.server.trimmed + len(self.server.log) + 1) // 2

    def lose_log(self) -> None:
        """Replace the log while the connection is down."""
        self.server.log, self.server.trimmed = "", 0
        self.server.epoch += 1
        self.cut()


steps = st.one_of(
    st.text("abc", min_size=1, max_size=5).map(lambda text: lambda w: w.server.publish(text)),
    st.integers(1, 8).map(lambda count: lambda w: w.deliver(count)),
    st.just(World.cut),
    st.just(World.miss),
    st.just(World.read_late),
    st.just(World.hold_back),
    st.just(lambda w: w.rooms.positions.release()),
)


@given(st.integers(0, 10**6), st.lists(steps, max_size=25))
@settings(max_examples=200, deadline=None)
def test_every_reader_receives_the_whole_log_once(seed: int, scenario: list[Step]) -> None:
    world = run_in_loop(seed, scenario)
    assert [reader.text for reader in world.readers] == [world.server.log] * len(world.readers)
    assert world.rooms.positions.reset_count == 0


@given(
    st.integers(0, 10**6),
    st.lists(st.one_of(steps, st.just(World.lose_log)), max_size=25),
)
@settings(max_examples=100, deadline=None)
def test_every_reader_receives_the_log_that_replaced_a_lost_one(
    seed: int, scenario: list[Step]
) -> None:
    world = run_in_loop(seed, scenario)
    assert [reader.text for reader in world.readers] == [world.server.log] * len(world.readers)


@given(st.integers(0, 10**6), st.lists(st.one_of(steps, st.just(World.trim)), max_size=25))
@settings(max_examples=100, deadline=None)
def test_readers_miss_only_entries_that_retention_dropped(seed: int, scenario: list[Step]) -> None:
    world = run_in_loop(seed, scenario)
    retained = world.server.log[world.server.trimmed :]
    for reader in world.readers:
        assert world.server.log.endswith(reader.text)
        assert reader.text.endswith(retained)


def run_in_loop(seed: int, scenario: list[Step]) -> World:
    """Run a scenario on an event loop, which rooms need for their futures."""

    async def play() -> World:
        world = World(seed)
        for step in scenario:
            step(world)
        world.rooms.positions.release()
        world.server.publish("!")
        while world.server.outgoing:
            world.deliver(1)
        for _ in range(3):
            await asyncio.sleep(0)
        return world

    return asyncio.run(play())


def test_a_late_reader_hid_the_loss_of_an_entry_that_retention_had_dropped() -> None:
    """Regression: the client ignored entry 2 while joining for the late reader, unnoticed."""
    scenario: list[Step] = [
        lambda world: world.server.publish("ab"),
        lambda world: world.deliver(2),  # the answer to the join, and the first entry
        World.trim,
        World.trim,
        World.read_late,
    ]
    world = run_in_loop(0, scenario)
    assert [reader.text for reader in world.readers] == ["!", "!"]
    assert world.rooms.positions.reset_count == 1
