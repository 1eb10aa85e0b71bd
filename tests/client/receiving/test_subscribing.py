"""Handlers and iterators: types, order, failures, and the memory that they hold."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import logging
import time
import weakref
from typing import Any

import pytest

from longwire import WebSocketClient
from longwire.catalog import BudgetUpdated, JobProgress, JobStatusChanged
from longwire.client import ConnectionState
from longwire.clock import clock
from longwire.errors import ConfigurationError, ConnectionRefused, UnknownEvent
from tests.client.conftest import until
from tests.client.peer import Peer, PeerSocket, all_received, connected

NO_EVENT: Any = 5
NO_HANDLER: Any = None
NO_EVENTS: Any = ()


def test_invalid_subscriptions_raise_at_once() -> None:
    """Regression: it was accepted, and failed with the first event or received nothing."""
    client = WebSocketClient("http://127.0.0.1:1")
    for register in (client.on, client.once):
        with pytest.raises(TypeError, match="handler must be callable, got None"):
            register(JobProgress, NO_HANDLER)
        with pytest.raises(TypeError, match="event must be an event type or a name, got 5"):
            register(NO_EVENT, print)
    with pytest.raises(TypeError, match="must not be an empty tuple"):
        client.on(NO_EVENTS, print)
    with pytest.raises(ValueError, match="throttle must be >= 0 seconds, got -1"):
        client.on(JobProgress, print, throttle=-1)
    with pytest.raises(UnknownEvent, match="dict"):
        client.on(dict, print)
    assert client.health.subscriptions == 0


async def answer_later(_: object) -> None:
    raise AssertionError


@pytest.mark.parametrize("listener", [answer_later, None])
def test_synchronous_callbacks_must_be_plain_functions(listener: Any) -> None:
    """Regression: a coroutine function was called and never awaited."""
    client = WebSocketClient("http://127.0.0.1:1")
    for register in (client.on_state_change, client.on_health, client.on_entry):
        with pytest.raises(TypeError, match="must be a plain function"):
            register(listener)


async def test_tasks_share_an_iterator(client: WebSocketClient, socket: PeerSocket) -> None:
    """Regression: the first task was never woken once a second one waited too."""
    events = client.events(JobProgress)
    first, second, third = (asyncio.ensure_future(anext(events, None)) for _ in range(3))
    await asyncio.sleep(0)
    second.cancel()
    for percent in (1, 2):
        await socket.progress(percent)
    received = [event.progress for event in await asyncio.gather(first, third) if event is not None]
    assert received == [1, 2]
    last = [asyncio.ensure_future(anext(events, None)) for _ in range(2)]
    await asyncio.sleep(0)
    await events.aclose()
    assert await asyncio.gather(*last) == [None, None]


async def test_handlers_set_before_connect_receive_typed_events_over_reconnects(
    client: WebSocketClient, peer: Peer
) -> None:
    received: list[JobProgress] = []
    by_name: list[JobProgress] = []
    client.on(JobProgress, received.append)
    client.on("job:progress", by_name.append)
    socket = await connected(client, peer)
    await socket.progress(1)
    await all_received(client, socket)
    socket.drop()
    socket = await (await peer.next_socket()).accept()
    await until(client, ConnectionState.CONNECTED)
    await socket.progress(2)
    await all_received(client, socket)
    assert [event.progress for event in received] == [1, 2]
    assert received == by_name
    assert type(received[0]) is JobProgress


async def test_unknown_events_arrive_as_values_and_reach_catch_all_handlers(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    received: list[Any] = []
    client.on("custom", lambda *args: received.append(args))
    client.on("*", lambda *args: received.append(args))
    await socket.emit("custom", {"a": 1}, b"binary")
    await all_received(client, socket)
    assert received[:2] == [({"a": 1}, b"binary"), ("custom", {"a": 1}, b"binary")]


async def test_an_unsubscribed_handler_receives_nothing(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    received: list[Any] = []
    unsubscribe = client.on("custom", received.append)
    client.once("custom", received.append)
    await socket.emit("custom", 1)
    await all_received(client, socket)
    unsubscribe()
    unsubscribe()
    await socket.emit("custom", 2)
    await all_received(client, socket)
    assert received == [1, 1]


async def test_async_handlers_are_awaited_one_event_after_the_other(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    received: list[str] = []
    done = asyncio.Event()

    async def handle(number: int) -> None:
        received.append(f"begin {number}")
        await asyncio.sleep(0)
        received.append(f"end {number}")
        if number == 2:
            done.set()

    client.on("custom", handle)
    for number in range(3):
        await socket.emit("custom", number)
    await done.wait()
    assert received == [f"{step} {number}" for number in range(3) for step in ("begin", "end")]


async def test_a_slow_handler_does_not_delay_others(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    never = asyncio.Event()
    client.on("custom", lambda _: never.wait())
    for number in range(100):
        await socket.emit("custom", number)
    received: list[float] = []
    client.on(JobProgress, lambda event: received.append(event.progress))
    await socket.progress(1)
    await all_received(client, socket)
    assert received == [1]


async def test_handlers_that_compute_yield_to_the_loop(
    client: WebSocketClient, socket: PeerSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 2 ms per event, one turn of the loop handles the events that begin within 5 ms."""
    now = clock.monotonic()
    handled = 0
    monkeypatch.setattr(clock, "monotonic", lambda: now)

    def compute(_: int) -> None:
        nonlocal handled, now
        handled += 1
        now += 0.002

    client.on("custom", compute)
    for number in range(100):
        await socket.emit("custom", number)
    turns = [0]
    while handled < 100:
        await asyncio.sleep(0)
        turns.append(handled)
    assert max(after - before for before, after in itertools.pairwise(turns)) <= 3


async def test_a_raising_handler_is_logged_and_counted(
    client: WebSocketClient, socket: PeerSocket, caplog: pytest.LogCaptureFixture
) -> None:
    received: list[int] = []
    failed = asyncio.Semaphore(0)

    async def fail_later(_: int) -> None:
        await asyncio.sleep(0)
        failed.release()
        raise ValueError("later")

    def fail(_: int) -> None:
        raise ValueError("now")

    client.on("custom", fail)
    client.on("custom", fail_later)
    client.on("custom", received.append)
    with caplog.at_level(logging.ERROR, "longwire.client"):
        for number in range(2):
            await socket.emit("custom", number)
        await all_received(client, socket)
        for _ in range(2):
            await failed.acquire()
        await all_received(client, socket)
    assert received == [0, 1]
    assert client.health.handler_failures == 4
    assert len(caplog.records) == 4


async def test_invalid_events_are_dropped_and_counted(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    received: list[Any] = []
    client.on(JobProgress, received.append)
    await socket.emit("job:progress", {"jobId": "1", "progress": "much"})
    await socket.emit("job:progress")
    await all_received(client, socket)
    assert received == []
    assert client.health.events_invalid == 2


async def test_a_handler_may_disconnect(client: WebSocketClient, socket: PeerSocket) -> None:
    client.on("custom", lambda: client.disconnect())
    await socket.emit("custom")
    await until(client, ConnectionState.DISCONNECTED)
    await socket.is_over.wait()


async def test_an_iterator_over_several_types(client: WebSocketClient, socket: PeerSocket) -> None:
    async with client.events(JobProgress, JobStatusChanged) as events:
        await socket.progress(1)
        await socket.emit("job:status", {"jobId": "1", "status": "running", "timestamp": 1})
        await socket.progress(2)
        kinds = [type(await anext(events)) for _ in range(3)]
    assert kinds == [JobProgress, JobStatusChanged, JobProgress]


async def test_an_iterator_over_a_room_joins_it_while_it_is_open(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    events = client.events(JobProgress, room="job:1")
    await socket.accept_join("job:1", "e", 0)
    await socket.progress(1, job="2")
    await socket.progress(2, "1@job:1")
    await socket.progress(3)  # without a position, its fields determine the room
    assert [(await anext(events)).progress, (await anext(events)).progress] == [2, 3]
    await events.aclose()
    await events.aclose()
    await socket.receive("leave_room")
    assert await anext(events, None) is None


async def test_a_forgotten_iterator_closes_itself(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    client.events(BudgetUpdated)
    gc.collect()
    await asyncio.sleep(0)
    assert client.health.subscriptions == 0


async def test_an_iterator_raises_the_clients_error(client: WebSocketClient, peer: Peer) -> None:
    events = client.events(JobProgress)
    connecting = asyncio.create_task(client.connect())
    await (await peer.next_socket()).refuse("no", "token_invalid")
    with pytest.raises(ConnectionRefused):
        await anext(events)
    with pytest.raises(ConnectionRefused):
        await connecting


async def test_ended_subscriptions_are_freed(client: WebSocketClient, socket: PeerSocket) -> None:
    freed: list[weakref.ref[Recorder]] = []
    for number in range(200):
        handler = Recorder()
        freed.append(weakref.ref(handler))
        unsubscribe = client.on(JobProgress, handler, room=f"job:{number}")
        stream = client.events(JobProgress)
        client.job(str(number))
        unsubscribe()
        await stream.aclose()
        del handler, unsubscribe
    gc.collect()
    assert client.health.subscriptions == client.health.rooms == client.health.tracked_jobs == 0
    assert [ref for ref in freed if ref() is not None] == []


class Recorder:
    """A handler that supports weak references."""

    def __call__(self, event: object) -> None:
        """Receive an event."""


async def test_round_trips_are_measured(client: WebSocketClient, socket: PeerSocket) -> None:
    reported: list[Any] = []
    client.on_health(reported.append)
    pinging = asyncio.create_task(client.ping())
    await socket.pinged.wait()
    await socket.emit("pong", {"timestamp": time.time() * 1000 + 60_000})
    assert 0 < await pinging < 5
    health = client.health
    assert health.clock_offset is not None
    assert 59 < health.clock_offset < 61
    assert health.round_trip == health.round_trip_p50 == health.round_trip_p99
    assert reported
    assert health.uptime is not None


async def test_the_result_of_a_handler_acknowledges_the_event(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    """Regression: every event was acknowledged without a value, before its handler was called."""

    async def later(value: int) -> tuple[int, bytes]:
        await asyncio.sleep(0)
        return value, b"two"

    def raising() -> object:
        raise ValueError

    client.on("one", lambda value: {"got": value})
    client.on("one", lambda _: "too late")
    client.on("two", later)
    client.on("nothing", lambda: None)
    client.on("raising", raising)
    client.once("once", lambda: [1])
    paused = client.on("paused", print)
    paused.pause()
    assert await socket.call("one", "ü") == [{"got": "ü"}]
    assert await socket.call("two", 5) == [5, b"two"]
    assert await socket.call("nothing") == await socket.call("unheard") == []
    assert await socket.call("once") == [[1]]
    assert await socket.call("paused") == await socket.call("authenticated", {}) == []
    client.on("*", lambda name, *_: name)
    socket.connection.send_event("/", "raising", (), socket.connection.next_ack_id())
    assert await socket.call("unheard") == ["unheard"], "the failed one has no answer"
    assert client.health.handler_failures == 1


async def test_a_handler_that_awaits_a_cancelled_task_receives_the_next_event(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    """Regression: the handler counted as cancelled, and its queue waited forever."""
    received = asyncio.Event()

    async def fail_first(event: JobProgress) -> None:
        if event.progress == 1:
            task = asyncio.ensure_future(asyncio.sleep(60))
            task.cancel()
            await task
        received.set()

    client.on(JobProgress, fail_first)
    for percent in (1, 2):
        await socket.progress(percent)
    await received.wait()
    assert client.health.handler_failures == 1


async def test_a_handler_that_reads_a_cancelled_future_receives_the_next_event(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    """Regression: the handler was never called again."""
    received: list[float] = []
    cancelled = asyncio.get_running_loop().create_future()
    cancelled.cancel()

    def fail_first(event: JobProgress) -> None:
        if event.progress == 1:
            cancelled.result()
        received.append(event.progress)

    client.on(JobProgress, fail_first)
    for percent in (1, 2):
        await socket.progress(percent)
    await all_received(client, socket)
    assert received == [2]
    assert client.health.handler_failures == 1


async def test_a_handler_that_ignores_its_cancellation_does_not_block_disconnecting(
    client: WebSocketClient, socket: PeerSocket
) -> None:
    started = asyncio.Event()

    async def stubborn(_: JobProgress) -> None:
        started.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)

    client.on(JobProgress, stubborn)
    for percent in (1, 2):
        await socket.progress(percent)
    await started.wait()
    async with asyncio.timeout(5):
        await client.disconnect()


async def test_events_that_wait_for_a_handler_are_handled_with_the_next_connection(
    client: WebSocketClient, socket: PeerSocket, peer: Peer
) -> None:
    """Regression: the handler was woken only by the next event."""
    received: list[float] = []
    received_all = asyncio.Event()

    async def handle(event: JobProgress) -> None:
        await asyncio.sleep(60 if event.progress == 1 else 0)
        received.append(event.progress)
        if event.progress == 3:
            received_all.set()

    client.on(JobProgress, handle)
    for percent in (1, 2, 3):
        await socket.progress(percent)
    await all_received(client, socket)
    await client.disconnect()
    assert received == []
    await connected(client, peer)
    await received_all.wait()
    assert received == [2, 3]


def test_a_room_subscribes_to_its_own_events_only() -> None:
    client = WebSocketClient("http://127.0.0.1:1")
    room = client.room("job:1")
    with pytest.raises(ConfigurationError, match="room must be 'job:1' or None, got 'job:2'"):
        room.on(JobProgress, print, room="job:2")
    room.on(JobProgress, print, room="job:1")()
