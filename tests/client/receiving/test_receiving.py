"""The receive path: its fast case equals the general one, and handlers run at once."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longwire import CATALOG, WebSocketClient
from longwire.catalog import JobProgress
from longwire.client.handlers.handler import Handler
from longwire.client.handlers.registry import Subscriptions
from longwire.client.handlers.subscription import ANY
from longwire.client.receiving.inbox import Inbox
from longwire.client.rooms.rooms import Rooms
from longwire.clock import clock
from longwire.socketio.decoder import decode_packet
from longwire.socketio.packet import Event
from tests.client.peer import Peer, connected

PAYLOADS = st.sampled_from(
    [
        {"jobId": "1", "progress": 5, "currentStep": "x", "timestamp": 1},
        {"jobId": "1", "progress": 500, "currentStep": "x", "timestamp": 1},
        {"jobId": "1", "chunk": "ä", "isComplete": False, "timestamp": 1},
        {},
        7,
    ]
)
NAMES = st.sampled_from(["job:progress", "job:output", "note", "pong"])
PLACES = st.one_of(
    st.builds("{}@{}".format, st.integers(0, 6), st.sampled_from(["job:1", "job:2"])),
    st.builds("{}-{}@job:1".format, st.integers(0, 6), st.integers(0, 6)),
    st.sampled_from(
        ["", "@", "²@job:1", "+1@job:1", "1_0@job:1", "٣@job:1", "9" * 5000 + "@job:1"]
    ),
    st.none(),
)


def message(name: str, payload: object, place: str | None) -> str:
    args = [name, payload, *([] if place is None else [place])]
    return "42" + msgspec.json.encode(args).decode()


def ignored(*_: object) -> None:
    pass


class OfflineClient:
    """The receiving parts of a client that has joined one room, without a connection."""

    def __init__(self) -> None:
        # By subscription: each receives events in order; the order between them is not promised.
        self.received: dict[str, list[Any]] = {"system": [], "room": [], "any": []}
        self.asked: list[Any] = []
        self.subscriptions = Subscriptions(10**6, lambda: None)
        self.rooms = Rooms(lambda reset: None, ignored, ignored, lambda attempt: 0.0)
        system = {"pong": self.received["system"].append}
        self.inbox = Inbox(CATALOG, self.subscriptions, self.rooms, system)
        self.hear(("job:progress", "job:output"), "job:1", self.received["room"])
        self.hear((ANY,), None, self.received["any"])
        self.rooms.join("job:1", None)
        self.rooms.resume(self)

    def hear(self, names: tuple[str, ...], room: str | None, received: list[Any]) -> None:
        handler = Handler(self.subscriptions, names, room, lambda *event: received.append(event))
        self.subscriptions.add(handler.subscription)

    def request(self, name: str, args: tuple[object, ...], answered: Any) -> None:
        self.asked.append((name, args))
        if len(self.asked) == 1:
            answered([{"ok": True, "room": "job:1", "epoch": "e", "offset": 0}])

    def send(self, name: str, args: tuple[object, ...]) -> None:
        self.asked.append((name, args))

    def pause(self) -> None:
        """Nothing is held back."""

    def receive(self, text: str) -> None:
        """Receive a message by way of the general case."""
        event = decode_packet(text[1:])
        assert isinstance(event, Event)
        self.inbox.receive_event(event, has_positions=True)

    async def outcome(self) -> object:
        await asyncio.sleep(0)
        inbox, position = self.inbox, self.rooms.position("job:1")
        status = self.rooms.status("job:1")
        return self.received, self.asked, position, status, inbox.received, inbox.invalid


@settings(max_examples=150, deadline=None)
@given(st.lists(st.builds(message, NAMES, PAYLOADS, PLACES), max_size=8))
def test_the_fast_case_equals_the_general_case(messages: list[str]) -> None:
    async def compare() -> None:
        fast, general = OfflineClient(), OfflineClient()
        for text in messages:
            general.receive(text)
        rest = messages
        while rest:
            rest = rest[fast.inbox.receive(list(rest), has_positions=True) :]
            if rest:
                fast.receive(rest[0])
                rest = rest[1:]
        await asyncio.sleep(0)
        assert await fast.outcome() == await general.outcome()

    asyncio.run(compare())


def test_handlers_run_without_a_turn_of_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Handlers are called where messages are read; here no event loop is running."""
    monkeypatch.setattr(clock, "monotonic", lambda: 0.0)  # no time slice ends

    async def begin() -> OfflineClient:
        return OfflineClient()

    client = asyncio.run(begin())
    payload = {"jobId": "1", "progress": 5, "currentStep": "x", "timestamp": 1}
    messages = [message("job:progress", payload, f"{offset}@job:1") for offset in (1, 2)]
    assert client.inbox.receive([*messages, "3"], has_positions=True) == 2
    event = JobProgress(job_id="1", progress=5, current_step="x", timestamp=1)
    assert client.received["room"] == [(event,)] * 2
    assert client.received["any"] == [("job:progress", event)] * 2


async def test_a_handler_cancelled_at_its_start_receives_the_next_event() -> None:
    subscriptions = Subscriptions(10, lambda: None)
    received: asyncio.Queue[int] = asyncio.Queue()

    async def handle(number: int) -> None:
        await asyncio.sleep(0)
        received.put_nowait(number)

    subscription = Handler(subscriptions, ["note"], None, handle).subscription
    subscriptions.begin_batch()
    subscription.push((1,))
    subscriptions.end_batch()
    await subscriptions.cancel()
    subscription.push((2,))
    assert await asyncio.wait_for(received.get(), 5) == 2


async def test_a_handler_can_send_while_a_batch_is_received(
    client: WebSocketClient, peer: Peer
) -> None:
    """Handlers run inside the read callback; the events that they send must not disturb it."""

    def echo(event: JobProgress) -> None:
        client.emit("received", event.progress)
        if event.progress == 2:
            client.leave_room("job:1")

    client.on(JobProgress, echo)
    socket = await connected(client, peer)
    client.join_room("job:1")
    await socket.accept_join("job:1", "e", 0)
    for offset in (1, 2):
        await socket.progress(offset, f"{offset}@job:1")
    assert (await socket.receive("received")).values() == [1]
    assert (await socket.receive("received")).values() == [2]
    assert (await socket.receive("leave_room")).values() == ["job:1"]
