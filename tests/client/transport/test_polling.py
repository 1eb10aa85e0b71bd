"""Long-polling with the real server, where WebSockets are blocked; and its HTTP requests."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from longwire import Server
from longwire.catalog import JobOutput
from longwire.client import ClientOptions, ConnectionState
from longwire.client.transport.http import HttpConnection, Route
from longwire.errors import ConnectionRefused, NotConnected, RemoteProtocolError
from longwire.tokens import issue_token
from tests.client.conftest import Connect, until
from tests.proxy import Proxy
from tests.serving import SECRET, serving

App = Callable[..., Awaitable[None]]


class WebSocketFilter:
    """An ASGI middleware that rejects, accepts or ignores WebSockets."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.verdict = "refuse"
        self.websockets = 0
        self.requests: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.requests.append(scope)
        if scope["type"] == "websocket":
            self.websockets += 1
            if self.verdict != "open":
                await self._reject(receive, send)
                return
        await self.app(scope, receive, send)

    async def _reject(self, receive: Any, send: Any) -> None:
        await receive()
        if self.verdict == "refuse":
            await send({"type": "websocket.close"})
            return
        if self.verdict == "swallow":
            await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass


@pytest.fixture
def gate(server: Server) -> WebSocketFilter:
    return WebSocketFilter(server)


@pytest.fixture
async def url(gate: WebSocketFilter, no_leaked_tasks: None) -> AsyncIterator[str]:
    """URL of the real server behind the filter."""
    async with serving(gate, ws="websockets-sansio") as url:
        yield url


def output(number: int) -> JobOutput:
    return JobOutput(job_id="1", chunk=f"{number} ")


async def publish_all(server: Server, count: int) -> None:
    for number in range(count):
        await server.publish(output(number))


@pytest.mark.parametrize("verdict", ["refuse", "swallow", "hang"])
async def test_a_blocked_websocket_is_replaced_by_polling(
    url: str, gate: WebSocketFilter, server: Server, token: str, clients: Connect, verdict: str
) -> None:
    gate.verdict = verdict
    client = clients(url, token=token, timeout=1.0)
    await client.connect()
    assert client.transport == "polling"
    await publish_all(server, 5)
    async with client.events(JobOutput, room="job:1") as events:
        assert "".join([(await anext(events)).chunk]) == "0 1 2 3 4 "
        await server.publish(output(5))
        assert (await anext(events)).chunk == "5 "
    assert await client.ping() < 5


async def test_a_proxy_that_strips_the_upgrade(
    url: str, gate: WebSocketFilter, token: str, clients: Connect
) -> None:
    gate.verdict = "open"

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                writer.write(data.replace(b"Upgrade: websocket\r\n", b""))
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = urlsplit(url)
        back_reader, back = await asyncio.open_connection(address.hostname, address.port)
        await asyncio.gather(relay(reader, back), relay(back_reader, writer))

    proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = proxy.sockets[0].getsockname()
    client = clients(f"http://{host}:{port}", token=token)
    await client.connect()
    assert client.transport == "polling"
    await client.disconnect()
    assert gate.websockets == 0
    proxy.close()
    await proxy.wait_closed()


async def test_polling_alone_carries_everything(
    url: str, gate: WebSocketFilter, server: Server, clients: Connect
) -> None:
    gate.verdict = "open"
    worker = clients(url, transports=("polling",), token=issue_token(SECRET, "w", service=True))
    await worker.connect()
    positions = await asyncio.gather(*(worker.publish(output(number)) for number in range(50)))
    assert [position.offset for position in positions] == list(range(1, 51))
    received: asyncio.Queue[Any] = asyncio.Queue()

    @server.on("upload")
    async def upload(arguments: Any, context: object) -> Any:
        return [bytes(reversed(arguments[0])), "ä"]

    assert await worker.call("upload", b"\x00\x01") == [b"\x01\x00", "ä"]
    worker.on(JobOutput, received.put_nowait, room="job:1")
    await worker.join_room("job:1")
    assert (await received.get()).chunk == "".join(f"{number} " for number in range(50))
    assert gate.websockets == 0
    await worker.disconnect()
    assert worker.transport is None
    assert gate.requests[-1]["method"] == "POST", "the session was closed"


async def test_polling_keeps_one_connection_for_each_direction(
    url: str, gate: WebSocketFilter, server: Server, token: str, clients: Connect
) -> None:
    async with Proxy(url) as proxy:
        client = clients(proxy.url, token=token, transports=("polling",))
        await client.connect()
        for _ in range(20):
            await client.ping()
        assert len(gate.requests) > 40
        assert proxy.accepted == 2
        await client.disconnect()


async def test_polling_moves_to_a_websocket_without_losing_anything(
    url: str, gate: WebSocketFilter, server: Server, token: str, clients: Connect
) -> None:
    gate.verdict = "open"
    client = clients(url, token=token, transports=("polling", "websocket"))
    text: list[str] = []
    complete = asyncio.Event()

    def receive(event: JobOutput) -> None:
        text.append(event.chunk)
        if event.chunk.endswith("199 "):
            complete.set()

    client.on(JobOutput, receive)
    client.join_room("job:1")
    publishing = asyncio.create_task(publish_all(server, 200))
    await client.connect()
    pings = await asyncio.gather(*(client.ping() for _ in range(20)))
    await publishing
    await complete.wait()
    assert "".join(text) == "".join(f"{number} " for number in range(200))
    while client.transport == "polling":
        await client.ping()
    assert len(pings) == 20
    before = len(gate.requests)
    assert await client.ping() < 5
    assert len(gate.requests) == before


async def test_the_transport_that_worked_last_is_tried_first(
    url: str, gate: WebSocketFilter, token: str, clients: Connect
) -> None:
    async with Proxy(url) as proxy:
        client = clients(proxy.url, token=token)
        await client.connect()
        assert client.transport == "polling"
        refused = gate.websockets
        proxy.cut()
        await until(client, ConnectionState.RECONNECTING)
        await until(client, ConnectionState.CONNECTED)
        assert client.transport == "polling"
        gate.verdict = "open"
        proxy.cut()
        await until(client, ConnectionState.RECONNECTING)
        await until(client, ConnectionState.CONNECTED)
        while client.transport == "polling":
            await client.ping()
        assert gate.websockets > refused
        await client.disconnect()


async def test_polling_resumes_after_cuts(
    url: str, server: Server, token: str, clients: Connect
) -> None:
    async with Proxy(url) as proxy:
        client = clients(proxy.url, token=token, transports=("polling",))
        await client.connect()
        text: list[str] = []
        complete = asyncio.Event()

        def receive(event: JobOutput) -> None:
            text.append(event.chunk)
            if event.chunk.endswith("99 "):
                complete.set()

        client.on(JobOutput, receive)
        await client.join_room("job:1")
        for number in range(100):
            await server.publish(output(number))
            if number % 30 == 15:
                proxy.cut()
                await until(client, ConnectionState.RECONNECTING)
        await complete.wait()
        assert "".join(text) == "".join(f"{number} " for number in range(100))
        assert client.health.rooms_reset == 0
        await client.disconnect()


async def test_a_rejected_token_raises_over_polling(url: str, clients: Connect) -> None:
    with pytest.raises(ConnectionRefused):
        await clients(url, token="wrong").connect()


async def test_an_unreachable_server_is_not_tried_over_polling(clients: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = clients(f"http://127.0.0.1:{port}", reconnection_attempts=0)
    with pytest.raises(NotConnected):
        await client.connect()
    assert "websocket" not in str(client.error)


async def test_a_slow_server_slows_emit_down_over_polling(
    url: str, server: Server, token: str, clients: Connect
) -> None:
    noted = asyncio.Semaphore(0)

    @server.on("note")
    async def note(*args: Any) -> None:
        noted.release()

    client = clients(url, token=token, transports=("polling",), write_buffer=1000)
    await client.connect()
    sent = 1
    while (full := client.emit("note", "x" * 10_000)).done():
        sent += 1
    await full
    for _ in range(sent):
        await noted.acquire()


# HTTP requests, with a server that sends prepared responses.


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[tuple[HttpConnection, list[bytes]]]:
    """A server that sends one of `answers` to each request, then closes the connection."""
    heads: list[bytes] = []
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while left:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(left.pop(0))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    options = ClientOptions(
        url=f"http://ada:p%20w@{host}:{port}", headers={"X-Tenant": "a"}, proxy=None
    )
    connection = HttpConnection(Route(options), 100)
    try:
        yield connection, heads
    finally:
        connection.abort()
        server.close()
        await server.wait_closed()


def answer(body: str, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}", *headers, "", body]
    return "\r\n".join(lines).encode()


async def test_requests_carry_headers_credentials_and_cookies() -> None:
    sticky = answer("one", "Set-Cookie: node=7; Path=/; HttpOnly")
    async with answering(sticky, answer("zwei ä")) as (http, heads):
        assert await http.request("GET", None) == "one"
        assert await http.request("GET", "s1") == "zwei ä"
    first, second = heads
    assert first.startswith(b"GET /socket.io/?EIO=4&transport=polling&t=0 HTTP/1.1\r\n")
    assert b"x-tenant: a" in first.lower()
    assert b"Authorization: Basic YWRhOnAgdw==" in first
    assert b"sid=s1&t=1" in second
    assert b"Cookie: node=7\r\n" in second


@pytest.mark.parametrize(
    ("answers", "error", "message"),
    [
        ([answer('{"code":1}', status="400 Bad Request")], NotConnected, "HTTP 400"),
        (
            [answer("<html>lost?", status="404 Not Found")],
            NotConnected,
            "^HTTP 404 at /socket.io/: check the option `path`$",
        ),
        ([answer("<html>oh", status="502 Bad Gateway")], NotConnected, "^HTTP 502$"),
        (
            [answer("", "Location: https://a/login", status="302 Found")],
            NotConnected,
            "^HTTP 302 to https://a/login$",
        ),
        ([b"SSH-2.0-OpenSSH_9.6\r\n\r\n"], RemoteProtocolError, "."),
        ([answer("x" * 101)], RemoteProtocolError, "exceeds 100 bytes"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\xff"], RemoteProtocolError, "UTF-8"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"], RemoteProtocolError, "."),
        ([b""], OSError, "closed the connection"),
    ],
)
async def test_invalid_responses(
    answers: list[bytes], error: type[Exception], message: str
) -> None:
    async with answering(*answers) as (http, _):
        with pytest.raises(error, match=message):
            await http.request("GET", None)


async def test_a_connection_closed_by_the_server_is_replaced() -> None:
    async with answering(answer("a", "Connection: close"), answer("b")) as (http, _):
        assert await http.request("GET", None) == "a"
        assert await http.request("GET", None) == "b"


async def test_plain_requests_through_a_proxy_name_the_whole_url() -> None:
    async with answering(answer("a")) as (http, heads):
        proxy = http._route._server.netloc.rpartition("@")[2]
        options = ClientOptions(url="http://server.example:81", proxy=f"http://u:p@{proxy}")
        through = HttpConnection(Route(options), 100)
        assert await through.request("GET", None) == "a"
        through.abort()
    assert heads[0].startswith(b"GET http://server.example:81/socket.io/?EIO=4")
    assert b"Proxy-Authorization: Basic dTpw" in heads[0]


@pytest.mark.parametrize(
    ("response", "match"),
    [(b"HTTP/1.1 407 Who are you\r\n\r\n", "407"), (b"", "the proxy closed")],
)
async def test_a_proxy_that_rejects_the_tunnel(response: bytes, match: str) -> None:
    async with answering(response) as (http, heads):
        proxy = http._route._server.netloc.rpartition("@")[2]
        options = ClientOptions(url="https://server.example", proxy=f"http://{proxy}")
        with pytest.raises(NotConnected, match=match):
            await HttpConnection(Route(options), 100).request("GET", None)
    assert heads[0].startswith(b"CONNECT server.example:443 HTTP/1.1\r\n")


def test_polling_does_not_support_socks_proxies() -> None:
    with pytest.raises(NotConnected, match="socks5"):
        Route(ClientOptions(url="http://a", proxy="socks5://b"))


@pytest.mark.parametrize(
    ("no_proxy", "target"),
    [("other.example", "http://a.example/socket.io/"), ("a.example", "/socket.io/")],
)
def test_polling_follows_the_environments_proxy_settings(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, target: str
) -> None:
    for name in ("NO_PROXY", "ws_proxy", "socks_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", no_proxy)
    route = Route(ClientOptions(url="http://a.example"))
    assert route.target(None).startswith(f"{target}?EIO=4")
