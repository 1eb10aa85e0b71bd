"""Sending over plain ASGI: a task is created only while the server is full."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from longwire.prepared import PreparedBatch, PreparedMessage
from longwire.server.asgi.websocket import ASGIWriter


class Transport:
    """An ASGI `send` that can be made to wait, as if the buffer of the server were full."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.open = asyncio.Event()
        self.open.set()
        self.error: Exception | None = None

    async def send(self, message: Any) -> None:
        await self.open.wait()
        if self.error is not None:
            raise self.error
        self.sent.append(message.get("text") or message.get("bytes") or message["type"])


class Drained:
    def __init__(self) -> None:
        self.times = 0
        self.happened = asyncio.Event()

    def __call__(self) -> None:
        self.times += 1
        self.happened.set()


def asgi_writer(
    transport: Transport,
    on_drained: Callable[[], None] = lambda: None,
    on_closing: Callable[[], None] = lambda: None,
) -> ASGIWriter:
    return ASGIWriter(transport.send, on_drained, on_closing)


@pytest.fixture
async def transport() -> Transport:
    return Transport()


async def test_writing_costs_no_task_while_the_server_accepts_messages(
    transport: Transport,
) -> None:
    before = len(asyncio.all_tasks())
    writer = asgi_writer(transport)
    writer.write(["text"])
    writer.write([b"bytes"])
    assert transport.sent == ["text", b"bytes"]
    assert not writer.stalled
    assert len(asyncio.all_tasks()) == before


async def test_a_batch_is_sent_packet_by_packet(transport: Transport) -> None:
    messages = [PreparedMessage("tick", b"{}", "global", n, n) for n in (1, 2)]
    asgi_writer(transport).write_batch(PreparedBatch(messages), with_positions=True)
    assert transport.sent == ['42["tick",{},"1@global"]', '42["tick",{},"2@global"]']


async def test_messages_wait_in_order_while_the_server_is_full(transport: Transport) -> None:
    drained = Drained()
    writer = asgi_writer(transport, drained)
    transport.open.clear()
    for text in "abc":
        writer.write([text])
    assert writer.stalled
    assert transport.sent == []
    transport.open.set()
    await drained.happened.wait()
    assert transport.sent == ["a", "b", "c"]
    assert not writer.stalled
    writer.write(["d"])
    assert transport.sent[-1] == "d"
    assert drained.times == 1


async def test_the_close_follows_what_was_written_and_nothing_follows_it(
    transport: Transport,
) -> None:
    writer = asgi_writer(transport)
    transport.open.clear()
    writer.write(["last words"])
    writer.close()
    writer.close()
    writer.write(["too late"])
    transport.open.set()
    await writer.drain()
    assert transport.sent == ["last words", "websocket.close"]


@pytest.mark.parametrize("full", [False, True])
async def test_writing_stops_when_the_peer_has_disconnected(
    transport: Transport, full: bool
) -> None:
    drained = Drained()
    writer = asgi_writer(transport, drained)
    transport.error = OSError("the peer disconnected")
    if full:
        transport.open.clear()
    writer.write(["one"])
    transport.open.set()
    await writer.drain()
    transport.error = None
    writer.write(["two"])
    assert transport.sent == []
    assert drained.times == 0


async def test_an_abandoned_writer_drops_waiting_messages(transport: Transport) -> None:
    drained = Drained()
    writer = asgi_writer(transport, drained)
    transport.open.clear()
    writer.write(["one"])
    writer.abandon()
    await writer.drain()
    transport.open.set()
    assert transport.sent == []
    assert drained.times == 0


class BareIterator:
    """What `__await__` of Granian's `send` returns: an iterator, and no generator."""

    def __init__(self, sent: list[Any], message: Any, future: asyncio.Future[None] | None) -> None:
        self._sent, self._message, self._future = sent, message, future

    def __await__(self) -> BareIterator:
        return self

    def __iter__(self) -> BareIterator:
        return self

    def __next__(self) -> Any:
        future, self._future = self._future, None
        if future is not None:
            future._asyncio_future_blocking = True
            return future
        self._sent.append(self._message["text"])
        raise StopIteration


async def test_send_may_return_any_awaitable() -> None:
    """Regression: every WebSocket under Granian was silent after its first message."""
    sent: list[Any] = []
    gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting = [None, gate, None]
    writer = ASGIWriter(
        lambda message: BareIterator(sent, message, waiting.pop(0)),  # type: ignore[arg-type,return-value]
        lambda: None,
        lambda: None,
    )
    for text in ("first", "second", "third"):
        writer.write([text])
    gate.set_result(None)
    await writer.drain()
    assert sent == ["first", "second", "third"]


async def test_a_close_by_a_timer_runs_in_a_task() -> None:
    """Regression: uvicorn's legacy WebSockets use a timeout when they close, and failed."""
    closed = asyncio.Event()

    async def send(message: Any) -> None:
        async with asyncio.timeout(5):
            await asyncio.sleep(0)
        assert message["type"] == "websocket.close"
        closed.set()

    writer = ASGIWriter(send, lambda: None, lambda: None)
    asyncio.get_running_loop().call_soon(writer.close)
    await asyncio.wait_for(closed.wait(), 5)
