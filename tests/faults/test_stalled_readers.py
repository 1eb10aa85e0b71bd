"""Readers that stop reading: the server's memory stays bounded, and they miss nothing."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from longwire import Server, WebSocketClient, anonymous
from longwire.broker import Broker, MemoryBroker, SQLiteBroker
from longwire.catalog import Announcement
from longwire.client.receiving.inbox import read_place
from longwire.log.retention import RetentionLimits
from longwire.server import Limits
from longwire.server.rooms.replay import CACHED_FOR
from longwire.server.scope import Receive, Scope, Send
from longwire.testing import Frame, History
from longwire.types import Position
from longwire.websocket.frames import encode_text
from tests.proxy import Proxy
from tests.server.raw_polling import RawPolling
from tests.serving import HANDSHAKE, ServerProcess, serving

MIB = 1024 * 1024
EVENTS = 3000
PAYLOAD = 64 * 1024
# The number of such events that fill a room's log with its default retention, and a few more.
RETAINED = 8 * MIB // PAYLOAD + 8
READERS = 200
MASK = bytes(4)
ROOM = "job:flood"

pytestmark = pytest.mark.timeout(60)


def large(number: int) -> Announcement:
    return Announcement(message=f"{number} " + "x" * PAYLOAD, level="info")


async def flood(history: History, worker: WebSocketClient, count: int) -> None:
    """Publish events in order, a few at a time.

    They have no ids, because the server would use memory to remember these.
    """
    slots = asyncio.Semaphore(8)

    async def publish(number: int) -> None:
        event = large(number)
        attempt = history.offer(event, room=ROOM, publisher="worker")
        body = {"event": "announcement", "data": event, "room": ROOM}
        answer = await worker.call("publish", body)
        history.acknowledge(attempt, Position(answer["epoch"], answer["offset"]))
        slots.release()

    async with asyncio.TaskGroup() as publishing:
        for number in range(count):
            await slots.acquire()
            publishing.create_task(publish(number))


@pytest.fixture
def fresh_server() -> Iterator[ServerProcess]:
    """A server whose resident memory falls at once when it frees an event.

    By default, glibc keeps freed blocks of this size for itself, as long as a block above them is
    in use. That hides whether the server has freed them.
    """
    environment = {"MALLOC_MMAP_THRESHOLD_": str(PAYLOAD // 4)}
    with ServerProcess("--broker=memory:", environment=environment) as server:
        yield server


async def test_a_stalled_reader_costs_a_server_no_memory(fresh_server: ServerProcess) -> None:
    server, history = fresh_server, History()
    service, user = server.token("worker", service=True), server.token()
    async with (
        Proxy(server.url) as proxy,
        WebSocketClient(server.url, token=service) as worker,
        WebSocketClient(server.url, token=user) as healthy,
        WebSocketClient(proxy.url, token=user) as stalled,
    ):
        for name, client in (("healthy", healthy), ("stalled", stalled)):
            history.reader(name).follow(client, ROOM)
            await client.join_room(ROOM)
        await flood(history, worker, 4 * RETAINED)  # the log has reached its full size
        await history.caught_up()
        before = server.resident_bytes
        proxy.freeze()
        # Before the reader is stalled, it catches up a few times. The server caches the slices of
        # the log that it reads for other readers: at most 32 of 0.5 MiB, for `CACHED_FOR` seconds.
        loop = asyncio.get_running_loop()
        kept_until = loop.time() + 2 * CACHED_FOR
        while loop.time() < kept_until:
            await flood(history, worker, RETAINED)
        await flood(history, worker, EVENTS)
        grown = server.resident_bytes - before
        end = history.reader("healthy").position(ROOM).offset
        assert grown <= MIB
        assert end >= EVENTS
        assert history.reader("stalled").position(ROOM).offset < end - 2 * RETAINED

        history.forget(ROOM, end)
        proxy.thaw()
        await history.caught_up()
    assert history.check().restarts >= 1


async def test_many_stalled_readers_cost_a_server_a_bounded_amount_each(
    fresh_server: ServerProcess,
) -> None:
    server, history = fresh_server, History()
    service, user = server.token("worker", service=True), server.token()
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(Proxy(server.url))
        worker = WebSocketClient(server.url, token=service)
        healthy = WebSocketClient(server.url, token=user)
        stalled = [WebSocketClient(proxy.url, token=user) for _ in range(READERS)]
        for client in (worker, healthy, *stalled):
            await stack.enter_async_context(client)
        history.reader("healthy").follow(healthy, ROOM)
        for client in (healthy, *stalled):
            await client.join_room(ROOM)
        before = server.resident_bytes
        proxy.freeze()
        await flood(history, worker, RETAINED)
        await history.caught_up()
        full = server.resident_bytes
        await flood(history, worker, RETAINED)
        await history.caught_up()
        assert server.resident_bytes - full <= 4 * MIB
        assert full - before <= RETAINED * PAYLOAD + READERS * MIB // 2
        proxy.cut()  # otherwise the readers wait for their heartbeats before they disconnect
    assert history.check().applied == 2 * RETAINED


async def test_a_stall_is_noticed_before_the_kernel_buffers_megabytes() -> None:
    server = Server(authenticate=anonymous, shared_jobs=True)
    async with serving(server) as url, raw_reader(url, ROOM):
        published = 0
        while server.hub.volatile_dropped == 0:
            await server.publish(large(published), room=ROOM)
            await server.publish(note("probe"), room=ROOM, volatile=True)
            await asyncio.sleep(0)
            published += 1
        assert published * PAYLOAD <= MIB


@asynccontextmanager
async def raw_reader(url: str, room: str) -> AsyncIterator[socket.socket]:
    """Join a room with the smallest receive buffer that the system allows, and never read."""
    address = urlsplit(url)
    loop = asyncio.get_running_loop()
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setblocking(False)
        await loop.sock_connect(raw, (address.hostname, address.port))
        await loop.sock_sendall(raw, HANDSHAKE)
        await read_until(raw, b'0{"sid"')
        await loop.sock_sendall(raw, encode_text('40{"token":"any token"}', MASK))
        await read_until(raw, b'["authenticated"')
        await loop.sock_sendall(raw, encode_text(f'427["join_room","{room}"]', MASK))
        await read_until(raw, b"437[")
        yield raw


async def read_until(raw: socket.socket, pattern: bytes) -> None:
    received = b""
    while pattern not in received:
        received += await asyncio.get_running_loop().sock_recv(raw, 4096)


class Stall:
    """A server with a healthy reader, and a stalled one, whose transport is full.

    Attributes:
        server: the server.
        proxy: the frozen connection of the stalled reader.
        stalled: the stalled reader.
        received: the messages that both readers received, volatile ones included.
    """

    def __init__(self, history: History, server: Server, url: str, proxy: Proxy) -> None:
        self.history = history
        self.server = server
        self.proxy = proxy
        self.received: list[str] = []
        self.healthy = WebSocketClient(url, token="any token")
        self.stalled = WebSocketClient(proxy.url, token="any token", reconnection_delay_max=0.05)

    async def start(self) -> None:
        for name, client in (("healthy", self.healthy), ("stalled", self.stalled)):
            self.history.reader(name).follow(client, ROOM)
            await client.join_room(ROOM)
            client.on(Announcement, lambda event: self.received.append(event.message))
        await self.publish(note("before"))
        await self.history.caught_up()
        self.proxy.freeze()
        while self.server.hub.volatile_dropped == 0:
            await self.publish_volatile("probe")
            await self.publish(large(0))

    async def publish(self, event: Announcement) -> None:
        """Publish, and wait until the healthy reader has received it."""
        position = await self.history.publish(self.server, event, room=ROOM)
        await self.history.reader("healthy").reaches(ROOM, position.offset)

    async def publish_volatile(self, message: str) -> None:
        await self.server.publish(note(message), room=ROOM, volatile=True)

    async def finish(self) -> None:
        """Check that both readers have received everything, once and in order."""
        await self.publish(note("after"))
        await self.history.caught_up()
        proof = self.history.check()
        assert proof.restarts == 0


def note(message: str) -> Announcement:
    return Announcement(message=message, level="info")


RETENTION = RetentionLimits(max_bytes=64 * MIB)


@asynccontextmanager
async def one_stalled(broker: Broker | None = None, **limits: float) -> AsyncIterator[Stall]:
    server = Server(
        broker=broker or MemoryBroker(retention=RETENTION),
        authenticate=anonymous,
        shared_jobs=True,
        limits=Limits(**limits),
    )
    async with serving(server) as url, Proxy(url) as proxy:
        stall = Stall(History(), server, url, proxy)
        async with stall.healthy, stall.stalled:
            await stall.start()
            yield stall


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_stalled_reader_resumes_where_it_was(kind: str, tmp_path: Path) -> None:
    broker = SQLiteBroker(tmp_path / "log.db", retention=RETENTION) if kind == "sqlite" else None
    async with one_stalled(broker) as stall:
        for number in range(20):
            await stall.publish(note(f"missed {number}"))
        stall.proxy.thaw()
        await stall.finish()
        assert stall.proxy.accepted == 1


async def test_volatile_events_to_a_stalled_reader_are_dropped_and_counted() -> None:
    async with one_stalled() as stall:
        dropped = stall.server.hub.volatile_dropped
        for number in range(5):
            await stall.publish_volatile(f"typing {number}")
            await stall.publish(note(f"durable {number}"))
        assert stall.server.hub.volatile_dropped == dropped + 5
        assert len([message for message in stall.received if message.startswith("typing")]) == 5
        stall.proxy.thaw()
        await stall.finish()
        assert len([message for message in stall.received if message.startswith("typing")]) == 5


async def test_a_reader_that_stays_stalled_is_disconnected_and_resumes() -> None:
    async with one_stalled(stall_timeout=0.5) as stall:
        closing: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        stall.stalled.on("closing", closing.put_nowait)
        disconnected = asyncio.Event()
        stall.stalled.on("disconnect", lambda reason: disconnected.set())
        while len(stall.server.sockets) == 2:
            await stall.publish(note("meanwhile"))
            await asyncio.sleep(0.01)
        stall.proxy.thaw()
        assert (await closing.get())["reason"] == "too_slow"
        await disconnected.wait()
        await stall.finish()
        assert stall.proxy.accepted == 2


async def test_a_connection_that_never_reads_again_is_reset() -> None:
    async with one_stalled(stall_timeout=0.5, close_timeout=0.2) as stall:
        descriptors = len(os.listdir("/proc/self/fd"))
        async with asyncio.timeout(10):
            while len(os.listdir("/proc/self/fd")) == descriptors:
                await stall.publish(note("meanwhile"))
                await asyncio.sleep(0.01)
        stall.proxy.thaw()
        await stall.finish()


@pytest.mark.parametrize("ws", ["websockets-sansio", "wsproto"])
async def test_a_plain_asgi_connection_that_never_reads_again_ends(ws: str) -> None:
    limits = Limits(stall_timeout=0.5, close_timeout=0.2)
    server = Server(authenticate=anonymous, shared_jobs=True, limits=limits)
    ended = asyncio.Event()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await server(scope, receive, send)
        if scope["type"] == "websocket":
            ended.set()

    async with serving(application, ws=ws) as url, raw_reader(url, ROOM):
        while server.sockets:
            await server.publish(large(0), room=ROOM)
            await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            await ended.wait()


async def test_a_slow_polling_client_reads_the_log_as_it_polls() -> None:
    server, history = Server(authenticate=anonymous, shared_jobs=True), History()
    reader = history.reader("polling")
    reader.join(ROOM)
    async with (
        serving(server) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
    ):
        polling = RawPolling(http)
        await polling.open()
        await polling.post('40{"token":"any token","positions":true}')
        await polling.expect('42["authenticated"')
        await polling.post(f'420["join_room","{ROOM}"]')
        joined = json.loads((await polling.expect("430["))[3:])[0]
        for number in range(100):
            await history.publish(server, large(number), room=ROOM)
            [buffered] = [socket.session.engine.buffered_bytes for socket in server.sockets]
            assert buffered <= 2 * MIB
        while reader.position(ROOM).offset < 100:
            for packet in await polling.poll():
                if packet.startswith('42["announcement"'):
                    reader.apply(ROOM, joined["epoch"], read_frame(packet))
    assert history.check().applied == 100


def read_frame(packet: str) -> Frame:
    name, data, place = msgspec.json.decode(packet[2:], type=tuple[str, msgspec.Raw, msgspec.Raw])
    found = read_place(place)
    assert found is not None
    first, last, _ = found
    return Frame(first, last, name, bytes(data))
