"""Peers of `longwire serve` that do not finish their requests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from longwire import Server, anonymous
from longwire.server.uvicorn import HTTPProtocol
from longwire.web import create_app
from tests.serving import serving

SOON = 5.0
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"
POST = b"POST %s HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def connection(head_timeout: float) -> AsyncIterator[Streams]:
    """A connection to the application of `longwire serve`."""
    http = type("Impatient", (HTTPProtocol,), {"head_timeout": head_timeout})
    async with serving(create_app(Server(authenticate=anonymous)), http=http) as url:
        host, port = url.removeprefix("http://").split(":")
        async with opened(host, int(port)) as streams:
            yield streams


@contextlib.asynccontextmanager
async def opened(host: str, port: int) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send a few bytes repeatedly, at intervals shorter than any timeout."""
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(0.05)


async def everything(reader: asyncio.StreamReader) -> bytes:
    """Read until the server disconnects."""
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
        "a body for no endpoint",
        "a body for an unknown session",
    ],
)
async def test_a_connection_with_an_unfinished_request_is_closed(first: bytes, more: bytes) -> None:
    """Such a connection stayed open until its peer closed it."""
    async with connection(head_timeout=0.5) as (reader, writer):
        writer.write(first)
        dripping = asyncio.create_task(drip(writer, more)) if more else None
        try:
            answered = await everything(reader)
        finally:
            if dripping is not None:
                dripping.cancel()
    assert answered.count(b"HTTP/1.1 ") == first.count(b"\r\n\r\n")


async def test_the_rest_of_an_answered_request_does_not_extend_the_timeout() -> None:
    """It stopped the timer of the idle connection, which nothing started again."""
    async with connection(head_timeout=0.5) as (reader, writer):
        writer.write(POST % b"/nowhere")
        assert (await reader.readline()).split()[1] == b"405"
        writer.write(bytes(1000))
        await everything(reader)


@pytest.mark.parametrize("start", [b"GET /", b"GET / HTTP/1.1\r\nX-Long: "], ids=["url", "header"])
async def test_the_size_of_a_head_is_limited(start: bytes) -> None:
    """A head of 100 MB was kept in memory; a URL of 10 MB blocked the loop for a minute."""
    async with connection(head_timeout=0.5) as (reader, writer):
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


async def test_each_request_has_the_whole_timeout() -> None:
    """Also a long head that arrives in parts."""
    async with connection(head_timeout=2.0) as (reader, writer):
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


async def test_a_large_body_does_not_count_as_the_next_head() -> None:
    body = b"POST /nowhere HTTP/1.1\r\nHost: here\r\nContent-Length: 200000\r\n\r\n" + bytes(
        200_000
    )
    async with connection(head_timeout=10.0) as (reader, writer):
        writer.write(body + body + HEALTH[:20])
        await writer.drain()
        writer.write(HEALTH[20:])
        answers = await reader.readuntil(b'"longwire"}')
    assert answers.count(b"HTTP/1.1 405") == 2
    assert b"HTTP/1.1 431" not in answers
