"""HTTP/1.1 for long-polling: keep-alive connections, one request at a time on each."""

from __future__ import annotations

import asyncio
import base64
import ssl
from http.cookies import CookieError, SimpleCookie
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import h11

from longwire.errors import NotConnected, RemoteProtocolError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from longwire.client.options import ClientOptions

# Idle connections are not used again after this time: uvicorn and Node end theirs after 5 s, and
# a request that meets the end on its way cannot be told from one that was taken.
KEEP_ALIVE = 3.0

CHUNK = 1 << 16

NOT_FOUND = 404

Headers = list[tuple[str, str]]


class Route:
    """The way to the server: directly or through a proxy, with what every request says.

    Args:
        options: address, TLS, proxy and headers.
    """

    __slots__ = ("_cookies", "_numbers", "_options", "_proxy", "_server", "_tls")

    def __init__(self, options: ClientOptions) -> None:
        self._options = options
        self._server = urlsplit(options.address("polling"))
        self._proxy = _proxy_of(options.proxy, self._server)
        self._tls = options.ssl
        if self._tls is None and self._server.scheme == "https":
            self._tls = ssl.create_default_context()
        self._cookies: SimpleCookie = SimpleCookie()
        self._numbers = count()

    @property
    def path(self) -> str:
        """Where Socket.IO should listen."""
        return self._server.path

    def target(self, sid: str | None) -> str:
        """What to write into the request line; never the same twice, so that no cache answers."""
        url = f"{self._options.address('polling', sid)}&t={next(self._numbers)}"
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}"
        if self._proxy is None or self._server.scheme == "https":
            return path
        return f"http://{_host(self._server)}{path}"

    def headers(self) -> Headers:
        """The headers of every request."""
        headers = [("Host", _host(self._server)), *self._options.headers.items()]
        if self._server.username is not None:
            headers.append(("Authorization", _basic(self._server)))
        if self._proxy is not None and self._server.scheme == "http":
            headers += _proxy_headers(self._proxy)
        if self._cookies:
            headers.append(("Cookie", self.cookie))
        return headers

    @property
    def cookie(self) -> str:
        """The cookies that the server or a load balancer set: they tie a session to one node."""
        return "; ".join(f"{name}={item.coded_value}" for name, item in self._cookies.items())

    def receive_cookie(self, header: str) -> None:
        """Take a `Set-Cookie`; one that cannot be read is ignored."""
        try:
            self._cookies.load(header)
        except CookieError:
            return

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect.

        Raises:
            OSError: the server or the proxy cannot be reached, or its certificate is not valid.
            NotConnected: the proxy does not let us through.
        """
        tls = self._tls if self._server.scheme == "https" else None
        if self._proxy is None:
            return await asyncio.open_connection(
                self._server.hostname, self._server.port or (443 if tls else 80), ssl=tls
            )
        reader, writer = await asyncio.open_connection(
            self._proxy.hostname,
            self._proxy.port or (443 if self._proxy.scheme == "https" else 80),
            ssl=ssl.create_default_context() if self._proxy.scheme == "https" else None,
        )
        if tls is not None:
            try:
                await self._tunnel(self._proxy, reader, writer)
                await writer.start_tls(tls, server_hostname=self._server.hostname)
            except BaseException:
                writer.transport.abort()
                raise
        return reader, writer

    async def _tunnel(
        self, proxy: SplitResult, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        address = f"{self._server.hostname}:{self._server.port or 443}"
        headers = [("Host", address), *_proxy_headers(proxy)]
        lines = [f"CONNECT {address} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        writer.write("\r\n".join([*lines, "", ""]).encode("ascii"))
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise NotConnected("the proxy ended the connection") from error
        status = head.split(b" ", 2)[1:2]
        if status != [b"200"]:
            line = head.split(b"\r\n", 1)[0].decode("latin-1")
            raise NotConnected(f"the proxy answered {line!r}")


class HttpConnection:
    """A connection to the server that is opened when it is needed, and kept.

    Args:
        route: the way to the server.
        max_body: largest body accepted.
    """

    __slots__ = ("_h11", "_idle_since", "_max_body", "_reader", "_route", "_writer")

    def __init__(self, route: Route, max_body: int) -> None:
        self._route = route
        self._max_body = max_body
        self._h11: h11.Connection
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None
        self._idle_since = 0.0

    async def request(self, method: str, sid: str | None, body: str | None = None) -> str:
        """Send a request of a session and return the body of its answer.

        Raises:
            OSError: the connection cannot be opened, or it broke.
            NotConnected: the answer is no 200; it is said which.
            RemoteProtocolError: what answers speaks no HTTP, or too much.
        """
        try:
            if self._writer is None or not self._is_usable(self._writer):
                self.abort()
                self._reader, self._writer = await self._route.open()
                self._h11 = h11.Connection(h11.CLIENT)
            await self._send(self._writer, method, self._route.target(sid), body)
            response, content = await self._receive()
        except h11.RemoteProtocolError as error:
            self.abort()
            raise RemoteProtocolError(str(error)) from error
        except BaseException:
            self.abort()
            raise
        self._recycle()
        return self._read(response, content)

    def abort(self) -> None:
        """End the connection without a word."""
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None

    def _is_usable(self, writer: asyncio.StreamWriter) -> bool:
        is_fresh = asyncio.get_running_loop().time() - self._idle_since < KEEP_ALIVE
        return is_fresh and not writer.is_closing() and not self._reader.at_eof()

    async def _send(
        self, writer: asyncio.StreamWriter, method: str, target: str, body: str | None
    ) -> None:
        headers, data = self._route.headers(), b""
        if body is not None:
            data = body.encode()
            headers.append(("Content-Type", "text/plain;charset=UTF-8"))
            headers.append(("Content-Length", str(len(data))))
        events = [h11.Request(method=method, target=target, headers=headers), h11.Data(data)]
        parts = [self._h11.send(event) for event in [*events, h11.EndOfMessage()]]
        writer.write(b"".join(part for part in parts if part))
        await writer.drain()

    async def _receive(self) -> tuple[h11.Response, bytes]:
        response: h11.Response | None = None
        content = bytearray()
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA:
                data = await self._reader.read(CHUNK)
                if not data and response is None:
                    raise ConnectionResetError("the server ended the connection")
                self._h11.receive_data(data)
            elif isinstance(event, h11.Response):
                response = event
            elif isinstance(event, h11.Data):
                content += event.data
                if len(content) > self._max_body:
                    raise RemoteProtocolError(f"more than {self._max_body} bytes in one answer")
            elif isinstance(event, h11.EndOfMessage) and response is not None:
                return response, bytes(content)

    def _recycle(self) -> None:
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
            self._idle_since = asyncio.get_running_loop().time()
        else:
            self.abort()

    def _read(self, response: h11.Response, content: bytes) -> str:
        for name, value in response.headers:
            if name == b"set-cookie":
                self._route.receive_cookie(value.decode("latin-1"))
        if response.status_code != 200:
            said = content.partition(b"\n")[0][:100].decode("utf-8", "replace")
            location = dict(response.headers).get(b"location")
            if location is not None:
                said = f"to {location.decode('latin-1')}"
            elif response.status_code == NOT_FOUND:
                said = f"at {self._route.path}: is the option `path` right?"
            elif said.startswith("<"):  # a page, made for people who see it
                said = ""
            raise NotConnected(f"HTTP {response.status_code} {said}".strip())
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise RemoteProtocolError("a body that is no UTF-8") from error


def _proxy_of(setting: str | bool | None, server: SplitResult) -> SplitResult | None:
    if not setting or (setting is True and proxy_bypass(_host(server))):
        return None
    address = setting if isinstance(setting, str) else getproxies().get(server.scheme)
    proxy = urlsplit(address) if address is not None else None
    if proxy is not None and proxy.scheme not in ("http", "https"):
        raise NotConnected(f"long-polling goes through no {proxy.scheme!r} proxy")
    return proxy


def _host(address: SplitResult) -> str:
    return address.netloc.rpartition("@")[2]


def _proxy_headers(proxy: SplitResult) -> Headers:
    return [] if proxy.username is None else [("Proxy-Authorization", _basic(proxy))]


def _basic(address: SplitResult) -> str:
    user, password = unquote(address.username or ""), unquote(address.password or "")
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
