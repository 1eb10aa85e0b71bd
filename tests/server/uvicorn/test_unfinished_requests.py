"""Peers of `longwire serve` that do not finish what they began to say."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from longwire import Server, anonymous
from longwire.server.uvicorn import protocols as lane_host
from longwire.web import create_app
from tests.serving import HTTP, serving

SOON = 5.0
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"
POST = b"POST %s HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def address(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[str, int]]:
    """What `longwire serve` serves, with little patience for a head."""
    monkeypatch.setattr(lane_host, "HEAD_TIMEOUT", 0.5)
    async with serving(create_app(Server(authenticate=anonymous)), http=HTTP) as url:
        host, port = url.removeprefix("http://").split(":")
        yield host, int(port)


@contextlib.asynccontextmanager
async def connection(address: tuple[str, int]) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection(*address)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send a few bytes again and again, well within any time-out between two of them."""
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(0.05)


async def everything(reader: asyncio.StreamReader) -> bytes:
    """Read until the server hangs up."""
    received = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(SOON):
            while data := await reader.read(65536):
                received += data
    return received


@pytest.mark.parametrize(
    ("first", "more"),
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\nHost: here\r\n", b""),
        (b"GET / HTTP/1.1\r\nHost: here\r\n", b"X-More: to come\r\n"),
        (b"GET /", b"a"),
        (b"", b"\r\n"),
        (HEALTH, b"\r\n"),
        (HEALTH + HEALTH + b"GET", b" "),
        (POST % b"/nowhere", b" "),
        (POST % b"/socket.io/?EIO=4&transport=polling&sid=nobodys", b" "),
    ],
    ids=[
        "nothing",
        "half a head",
        "a head line by line",
        "an address letter by letter",
        "empty lines",
        "empty lines behind a request",
        "half a head behind requests",
        "a body that nobody takes",
        "the body of no session",
    ],
)
async def test_who_does_not_finish_is_hung_up_on(
    address: tuple[str, int], first: bytes, more: bytes
) -> None:
    """Such a connection stayed for as long as its peer liked."""
    async with connection(address) as (reader, writer):
        writer.write(first)
        dripping = asyncio.create_task(drip(writer, more)) if more else None
        try:
            answered = await everything(reader)
        finally:
            if dripping is not None:
                dripping.cancel()
    assert answered.count(b"HTTP/1.1 ") == first.count(b"\r\n\r\n")


async def test_the_rest_of_a_body_that_was_answered_gives_no_more_time(
    address: tuple[str, int],
) -> None:
    """The late rest of a body stopped the timer of the idle connection, and nothing started it."""
    async with connection(address) as (reader, writer):
        writer.write(POST % b"/nowhere")
        assert (await reader.readline()).split()[1] == b"405"
        writer.write(bytes(1000))
        await everything(reader)


@pytest.mark.parametrize("start", [b"GET /", b"GET / HTTP/1.1\r\nX-Long: "], ids=["url", "header"])
async def test_a_head_is_bounded(address: tuple[str, int], start: bytes) -> None:
    """A head of 100 MB was kept whole, and an address of 10 MB held the loop for a minute."""
    async with connection(address) as (reader, writer):
        writer.write(start)
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 50_000_000 and not reader.at_eof():
                writer.write(b"a" * 65536)
                await writer.drain()
                sent += 65536
        answer = await everything(reader)
    assert sent < 50_000_000
    assert answer == b"" or b" 431 " in answer.splitlines()[0]


async def test_requests_go_on_as_long_as_they_are_whole(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is patience for each request, and a head of some length comes in parts."""
    monkeypatch.setattr(lane_host, "HEAD_TIMEOUT", 2.0)
    async with connection(address) as (reader, writer):
        for _ in range(5):
            writer.write(HEALTH)
            assert b" 200 " in await reader.readline()
            await reader.readuntil(b'"longwire"}')
            await asyncio.sleep(0.5)
        head = b"X-Long: " + b"a" * 60_000 + b"\r\n\r\n"
        writer.write(HEALTH[:-2] + head[:40_000])
        await asyncio.sleep(0.1)
        writer.write(head[40_000:])
        assert b" 200 " in await reader.readline()


async def test_a_large_body_and_the_next_head_are_no_large_head(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_host, "HEAD_TIMEOUT", 10.0)
    body = b"POST /nowhere HTTP/1.1\r\nHost: here\r\nContent-Length: 200000\r\n\r\n" + bytes(
        200_000
    )
    async with connection(address) as (reader, writer):
        writer.write(body + body + HEALTH[:20])
        await writer.drain()
        writer.write(HEALTH[20:])
        answers = await reader.readuntil(b'"longwire"}')
    assert answers.count(b"HTTP/1.1 405") == 2
    assert b"HTTP/1.1 431" not in answers
