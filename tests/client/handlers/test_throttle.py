"""Throttled and paused handlers: what they hear, when, and that nothing that counts is lost."""

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


class Heard:
    """What a handler was called with, and when."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.times: list[float] = []
        self._news = asyncio.Semaphore(0)

    def __call__(self, event: Any) -> None:
        self.events.append(event)
        self.times.append(asyncio.get_running_loop().time())
        self._news.release()

    async def calls(self, count: int) -> list[Any]:
        """The next calls."""
        for _ in range(count):
            await self._news.acquire()
        return self.events[-count:]


async def test_a_throttled_handler_hears_the_first_at_once_and_the_newest_after_the_interval(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    heard = Heard()
    client.on(JobProgress, heard, throttle=INTERVAL)
    for percent in range(50):
        await socket.progress(percent)
    first, newest = await heard.calls(2)
    assert (first.progress, newest.progress) == (0, 49)
    assert heard.times[1] - heard.times[0] >= INTERVAL * 0.9
    await socket.progress(60)
    [trailing] = await heard.calls(1)
    assert trailing.progress == 60
    assert heard.times[2] - heard.times[1] >= INTERVAL * 0.9


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


async def test_one_throttle_hears_every_job(client: WebSocketClient, socket: PeerSocket) -> None:
    """The specification's `throttle(handleProgress, 500)` dropped the other jobs."""
    heard = Heard()
    client.on(JobProgress, heard, throttle=INTERVAL)
    for percent in range(10):
        for job in ("1", "2", "3"):
            await socket.progress(percent, job=job)
    await heard.calls(4)
    assert [(event.job_id, event.progress) for event in heard.events[1:]] == [
        ("1", 9),
        ("2", 9),
        ("3", 9),
    ]


async def test_throttled_text_is_joined_and_its_type_kept(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    heard = Heard()
    client.on((JobOutput, JobProgress), heard, throttle=INTERVAL)
    await socket.progress(1)
    for chunk, kind in [("a", "writing"), ("b", "writing"), ("hm", "thinking"), ("c", "writing")]:
        data = {"jobId": "1", "chunk": chunk, "isComplete": False, "type": kind, "timestamp": 1}
        await socket.emit("job:output", data)
        await socket.progress(ord(chunk[0]) - ord("a"))
    events = (await heard.calls(5))[1:]
    assert [getattr(event, "chunk", None) for event in events] == ["ab", "hm", "c", None]
    assert events[-1].progress == 2


async def test_events_without_a_declaration_are_all_heard(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    heard = Heard()
    client.on("note", heard, throttle=INTERVAL)
    for number in range(20):
        await socket.emit("note", number)
    await heard.calls(20)
    assert heard.events == list(range(20))


async def test_events_of_an_unknown_room_replace_nothing(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    heard = Heard()
    client.on(BudgetUpdated, heard, throttle=INTERVAL)
    for total in (1, 2, 3):
        budget = {"total": total, "used": 0, "remaining": 0, "percentage": 0, "breakdown": {}}
        await socket.emit("budget:updated", {"budget": budget, **budget, "timestamp": 1})
    assert len(await heard.calls(3)) == 3


async def test_nothing_is_heard_after_unsubscribing_from_a_throttle(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    heard, other = Heard(), Heard()
    unsubscribe = client.on(JobProgress, heard, throttle=INTERVAL)
    client.on(JobProgress, other, throttle=INTERVAL)
    await socket.progress(1)
    await socket.progress(2)
    await all_received(client, socket)
    unsubscribe()
    unsubscribe()
    await other.calls(2)
    assert [event.progress for event in heard.events] == [1]


async def test_a_slow_handler_is_not_called_more_often_than_it_can(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    may_go_on, heard = asyncio.Event(), Heard()

    async def handle(event: JobProgress) -> None:
        heard(event)
        await may_go_on.wait()

    client.on(JobProgress, handle, throttle=0.01)
    beats = Heard()
    client.on(JobProgress, beats, throttle=0.01)
    await socket.progress(0)
    for percent in (1, 2, 3):
        await socket.progress(percent)
        await beats.calls(1)
    may_go_on.set()
    await socket.progress(4)
    await heard.calls(1)
    while heard.events[-1].progress < 4:
        await heard.calls(1)
    assert len(heard.events) <= 4


async def test_a_paused_handler_hears_nothing_and_on_resuming_what_counts(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    heard, other = Heard(), Heard()
    listener = client.on((JobProgress, JobOutput, JobCompleted), heard)
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
    assert heard.events == []
    listener.resume()
    listener.resume()
    text, progress, rest, completed = await heard.calls(4)
    assert (text.chunk, progress.progress, rest.chunk) == ("x" * 99, 100, "x")
    assert isinstance(completed, JobCompleted)
    await socket.progress(5)
    assert (await heard.calls(1))[0].progress == 5


async def test_pausing_holds_back_what_was_not_handled_yet(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    heard = Heard()

    def handle(event: JobProgress) -> None:
        heard(event)
        if event.progress == 2:
            listener.pause()

    listener = client.on(JobProgress, handle)
    for percent in range(5):
        await socket.progress(percent)
    await heard.calls(3)
    await all_received(client, socket)
    assert len(heard.events) == 3
    listener.resume()
    await heard.calls(2)
    assert heard.events[-1].progress == 4
    assert not listener.is_paused


async def test_a_paused_throttle_keeps_its_pace_after_resuming(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    heard = Heard()
    listener = client.on(JobProgress, heard, throttle=INTERVAL)
    await socket.progress(1)
    await heard.calls(1)
    listener.pause()
    await socket.progress(2)
    await all_received(client, socket)
    listener.resume()
    assert (await heard.calls(1))[0].progress == 2
    assert heard.times[1] - heard.times[0] >= INTERVAL * 0.9


async def test_a_full_paused_handler_drops_what_has_no_position(
    peer: Peer, clients: Connect
) -> None:
    client = clients(peer.url, queue_size=10)
    socket = await connected(client, peer)
    heard = Heard()
    listener = client.on("note", heard)
    listener.pause()
    for number in range(15):
        await socket.emit("note", number)
    await all_received(client, socket)
    assert client.health.events_dropped == 5
    listener.resume()
    assert await heard.calls(10) == list(range(10))
    await socket.emit("note", "again")
    assert await heard.calls(1) == ["again"]


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
    """What somebody knows who heard all this: newest values, texts, and all the rest."""
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
def test_who_hears_the_conflated_events_knows_the_same(kinds: list[str], cut: int) -> None:
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


def test_a_paused_handler_holds_what_counts_and_no_more() -> None:
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


def test_dataclasses_conflate_too_and_odd_payloads_are_kept() -> None:
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


def test_a_throttled_handler_hears_in_a_second_loop_too() -> None:
    """The end of its interval was never noticed: it belonged to the first loop."""
    peers: list[Peer] = []
    hearers: list[Heard] = []

    async def open_newest(options: ClientOptions) -> WebSocket:
        url = peers[-1].url
        return await open_websocket(replace(options, url=url, open_websocket=None))

    client = WebSocketClient("http://peer", open_websocket=open_newest)
    client.on(JobProgress, lambda event: hearers[-1](event), throttle=0.2)

    async def hear(percent: float) -> None:
        async with Peer() as peer:
            peers.append(peer)
            hearers.append(Heard())
            socket = await connected(client, peer)
            await socket.progress(percent)
            assert (await hearers[-1].calls(1))[0].progress == percent
            await client.disconnect()

    for percent in (1, 2):
        asyncio.run(asyncio.wait_for(hear(percent), 5))
