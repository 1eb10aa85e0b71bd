"""Throttled and paused handlers: which events they receive, and when."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from longwire import CATALOG, Contract, WebSocketClient
from longwire.catalog import (
    BudgetUpdated,
    JobCompleted,
    JobOutput,
    JobProgress,
)
from longwire.client import ClientOptions
from longwire.client.handlers.throttle import FIRST_PASS, MAX_JOINED, HeldEvent, Throttle, conflate
from longwire.client.transport.handshake import open_websocket
from longwire.client.transport.websocket import WebSocket
from longwire.testing import ManualClock
from longwire.types import Concat
from tests.client.conftest import Connect
from tests.client.peer import Peer, PeerSocket, all_received, connected

INTERVAL = 0.05


class Recorder:
    """A handler that records its events and their times."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.times: list[float] = []
        self._changed = asyncio.Semaphore(0)

    def __call__(self, event: Any) -> None:
        self.events.append(event)
        self.times.append(asyncio.get_running_loop().time())
        self._changed.release()

    async def calls(self, count: int) -> list[Any]:
        """Wait for the next calls, and return their events."""
        for _ in range(count):
            await self._changed.acquire()
        return self.events[-count:]


async def test_a_throttle_passes_the_first_event_at_once_and_the_newest_after_the_interval(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    received = Recorder()
    client.on(JobProgress, received, throttle=INTERVAL)
    for percent in range(50):
        await socket.progress(percent)
    first, newest = await received.calls(2)
    assert (first.progress, newest.progress) == (0, 49)
    assert received.times[1] - received.times[0] >= INTERVAL * 0.9
    await socket.progress(60)
    [trailing] = await received.calls(1)
    assert trailing.progress == 60
    assert received.times[2] - received.times[1] >= INTERVAL * 0.9


async def test_a_throttle_passes_an_event_at_once_after_a_quiet_interval() -> None:
    pending: deque[Any] = deque()
    throttle = Throttle(pending, pending.extend, CATALOG, 1.0)
    with ManualClock() as clock:
        assert not throttle.offer(("first",), None)
        await clock.advance(0.9)
        assert throttle.offer(("held back",), None)
        await clock.advance(0.2)
        assert list(pending) == [("held back",)]
        pending.clear()
        await clock.advance(1.0)
        assert not throttle.offer(("after a quiet interval",), None)
        throttle.close()


async def test_a_throttle_keeps_the_newest_event_of_every_job(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    """The specification's `throttle(handleProgress, 500)` dropped the other jobs."""
    received = Recorder()
    client.on(JobProgress, received, throttle=INTERVAL)
    for percent in range(10):
        for job in ("1", "2", "3"):
            await socket.progress(percent, job=job)
    await received.calls(4)
    assert [(event.job_id, event.progress) for event in received.events[1:]] == [
        ("1", 9),
        ("2", 9),
        ("3", 9),
    ]


async def test_throttled_text_is_joined_per_output_type(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    received = Recorder()
    client.on((JobOutput, JobProgress), received, throttle=INTERVAL)
    await socket.progress(1)
    for chunk, kind in [("a", "writing"), ("b", "writing"), ("hm", "thinking"), ("c", "writing")]:
        data = {"jobId": "1", "chunk": chunk, "isComplete": False, "type": kind, "timestamp": 1}
        await socket.emit("job:output", data)
        await socket.progress(ord(chunk[0]) - ord("a"))
    events = (await received.calls(5))[1:]
    assert [getattr(event, "chunk", None) for event in events] == ["ab", "hm", "c", None]
    assert events[-1].progress == 2


async def test_throttled_events_without_a_declaration_are_all_delivered(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    received = Recorder()
    client.on("note", received, throttle=INTERVAL)
    for number in range(20):
        await socket.emit("note", number)
    await received.calls(20)
    assert received.events == list(range(20))


async def test_throttled_events_of_an_unknown_room_are_all_delivered(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    received = Recorder()
    client.on(BudgetUpdated, received, throttle=INTERVAL)
    for total in (1, 2, 3):
        budget = {"total": total, "used": 0, "remaining": 0, "percentage": 0, "breakdown": {}}
        await socket.emit("budget:updated", {"budget": budget, **budget, "timestamp": 1})
    assert len(await received.calls(3)) == 3


async def test_no_throttled_event_is_delivered_after_unsubscribing(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    received, other = Recorder(), Recorder()
    unsubscribe = client.on(JobProgress, received, throttle=INTERVAL)
    client.on(JobProgress, other, throttle=INTERVAL)
    await socket.progress(1)
    await socket.progress(2)
    await all_received(client, socket)
    unsubscribe()
    unsubscribe()
    await other.calls(2)
    assert [event.progress for event in received.events] == [1]


async def test_a_throttled_handler_that_is_slow_receives_the_newest_event(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    may_continue, received = asyncio.Event(), Recorder()

    async def handle(event: JobProgress) -> None:
        received(event)
        await may_continue.wait()

    client.on(JobProgress, handle, throttle=0.01)
    beats = Recorder()
    client.on(JobProgress, beats, throttle=0.01)
    await socket.progress(0)
    for percent in (1, 2, 3):
        await socket.progress(percent)
        await beats.calls(1)
    may_continue.set()
    await socket.progress(4)
    await received.calls(1)
    while received.events[-1].progress < 4:
        await received.calls(1)
    assert len(received.events) <= 4


async def test_a_paused_handler_receives_conflated_events_when_resumed(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    received, other = Recorder(), Recorder()
    listener = client.on((JobProgress, JobOutput, JobCompleted), received)
    client.on((JobProgress, JobOutput, JobCompleted), other)
    listener.pause()
    listener.pause()
    assert listener.is_paused
    for percent in range(1, 101):
        await socket.progress(percent)
        await socket.emit("job:output", {"jobId": "1", "chunk": "x", "isComplete": False})
    await socket.emit(
        "job:completed", {"jobId": "1", "result": {}, "cost": 1, "duration": 1, "timestamp": 1}
    )
    assert len(await other.calls(201)) == 201
    assert received.events == []
    listener.resume()
    listener.resume()
    text, progress, rest, completed = await received.calls(4)
    assert (text.chunk, progress.progress, rest.chunk) == ("x" * 99, 100, "x")
    assert isinstance(completed, JobCompleted)
    await socket.progress(5)
    assert (await received.calls(1))[0].progress == 5


async def test_pausing_holds_back_events_that_wait_already(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    received = Recorder()

    def handle(event: JobProgress) -> None:
        received(event)
        if event.progress == 2:
            listener.pause()

    listener = client.on(JobProgress, handle)
    for percent in range(5):
        await socket.progress(percent)
    await received.calls(3)
    await all_received(client, socket)
    assert len(received.events) == 3
    listener.resume()
    await received.calls(2)
    assert received.events[-1].progress == 4
    assert not listener.is_paused


async def test_a_paused_throttle_keeps_its_interval_after_resuming(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    received = Recorder()
    listener = client.on(JobProgress, received, throttle=INTERVAL)
    await socket.progress(1)
    await received.calls(1)
    listener.pause()
    await socket.progress(2)
    await all_received(client, socket)
    listener.resume()
    assert (await received.calls(1))[0].progress == 2
    assert received.times[1] - received.times[0] >= INTERVAL * 0.9


async def test_a_paused_handler_with_a_full_queue_drops_events_without_a_position(
    peer: Peer, clients: Connect
) -> None:
    client = clients(peer.url, queue_size=10)
    socket = await connected(client, peer)
    received = Recorder()
    listener = client.on("note", received)
    listener.pause()
    for number in range(15):
        await socket.emit("note", number)
    await all_received(client, socket)
    assert client.health.events_dropped == 5
    listener.resume()
    assert await received.calls(10) == list(range(10))
    await socket.emit("note", "again")
    assert await received.calls(1) == ["again"]


# The conflation itself.

SLOTS = {"a": None, "b": None, "t": "text", "u": "text"}


@dataclasses.dataclass
class Line:
    text: str
    name: str = "x"


def held(kinds: Iterable[str]) -> list[HeldEvent]:
    return [
        HeldEvent((Line(f"{number} "),), None if kind == "-" else ("room", kind), SLOTS.get(kind))
        for number, kind in enumerate(kinds)
    ]


def folded(items: list[HeldEvent]) -> tuple[dict[Any, str], dict[Any, str], list[str]]:
    """Fold events to the newest values, the texts, and all other events."""
    newest: dict[Any, str] = {}
    texts: dict[Any, str] = {}
    rest: list[str] = []
    for item in items:
        text = item.arguments[0].text
        if item.slot is None:
            rest.append(text)
        elif item.field is None:
            newest[item.slot] = text
        else:
            texts[item.slot] = texts.get(item.slot, "") + text
    return newest, texts, rest


@settings(max_examples=200)
@given(st.lists(st.sampled_from("abtu-"), max_size=30), st.integers(0, 30))
def test_conflated_events_fold_to_the_same_state(kinds: list[str], cut: int) -> None:
    items = held(kinds)
    merged = conflate(items)
    assert folded(merged) == folded(items)
    assert folded(conflate(conflate(items[:cut]) + items[cut:])) == folded(items)
    assert len(conflate(merged)) == len(merged)
    newest = [item.slot for item in merged if item.slot and item.field is None]
    assert len(newest) == len(set(newest))


def test_joined_text_is_bounded() -> None:
    items = [HeldEvent((Line("x" * (MAX_JOINED // 2)),), ("r", "t"), "text") for _ in range(5)]
    merged = conflate(items)
    assert [len(item.arguments[0].text) for item in merged] == [
        MAX_JOINED,
        MAX_JOINED,
        MAX_JOINED // 2,
    ]
    assert items[0].arguments[0].text == "x" * (MAX_JOINED // 2)


def test_a_paused_throttle_holds_a_bounded_number_of_events() -> None:
    pending: deque[Any] = deque()
    throttle = Throttle(pending, pending.extend, CATALOG, 0.0)
    throttle.pause()
    for number in range(10_000):
        throttle.offer((JobProgress(job_id="1", progress=number % 100, current_step=""),), "job:1")
        throttle.offer((JobOutput(job_id="1", chunk="x"),), "job:1")
        assert len(throttle) <= FIRST_PASS
    throttle.resume()
    texts = [event.chunk for (event,) in pending if isinstance(event, JobOutput)]
    assert sum(map(len, texts)) == 10_000
    assert len(texts) <= 2


def test_dataclasses_conflate_and_unknown_payloads_are_kept() -> None:
    contract = Contract()
    contract.add(Line, name="line", room="line:{name}", conflate=Concat("text"))
    pending: deque[Any] = deque()
    throttle = Throttle(pending, pending.extend, contract, 0.0)
    throttle.pause()
    for arguments in [(Line("a"),), (Line("b"),), (), (Line("c", True),), ("note", 1)]:  # type: ignore[arg-type]
        throttle.offer(arguments, "line:x")
    throttle.resume()
    assert pending[0] == (Line("ab"),)
    assert len(pending) == 4


def test_a_throttled_handler_works_in_a_second_event_loop() -> None:
    """Regression: its interval never ended, because its timer belonged to the first loop."""
    peers: list[Peer] = []
    recorders: list[Recorder] = []

    async def open_newest(options: ClientOptions) -> WebSocket:
        url = peers[-1].url
        return await open_websocket(replace(options, url=url, open_websocket=None))

    client = WebSocketClient("http://peer", open_websocket=open_newest)
    client.on(JobProgress, lambda event: recorders[-1](event), throttle=0.2)

    async def receive(percent: float) -> None:
        async with Peer() as peer:
            peers.append(peer)
            recorders.append(Recorder())
            socket = await connected(client, peer)
            await socket.progress(percent)
            assert (await recorders[-1].calls(1))[0].progress == percent
            await client.disconnect()

    for percent in (1, 2):
        asyncio.run(asyncio.wait_for(receive(percent), 5))
