"""HTTP/1.1 for long-polling: keep-alive connections, one request at a time on each."""

import asyncio
import base64
import ssl
from http.cookies import CookieError, SimpleCookie
from itertools import count
from urllib.parse import unquote, urlsplit

import h11
from websockets.proxy import Proxy, get_proxy, parse_proxy
from websockets.uri import parse_uri

from longwire.client.transport.options import TransportOptions
from longwire.errors import NotConnected, RemoteProtocolError

# Idle connections are not reused after this time. uvicorn and Node close theirs after 5 s, and for
# a request that meets the close on its way, the client cannot tell whether the server received it.
KEEP_ALIVE = 3.0

CHUNK = 1 << 16

NOT_FOUND = 404

Headers = list[tuple[str, str]]


class Route:
    """How to reach the server, directly or through a proxy, and what every request carries.

    Raises:
        NotConnected: The proxy is a SOCKS proxy.
        InvalidProxy: The environment contains an invalid proxy URL.
    """

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._server = urlsplit(options.address("polling"))
        self._proxy = _find_proxy(options)
        self._tls: ssl.SSLContext | None = None
        if self._server.scheme == "https":
            self._tls = options.ssl or ssl.create_default_context()
        self._cookies: SimpleCookie = SimpleCookie()
        self._numbers = count()

    @property
    def path(self) -> str:
        """The path of the Socket.IO endpoint."""
        return self._server.path

    @property
    def cookie(self) -> str:
        """The cookies of the server or a load balancer, which tie a session to one node."""
        return "; ".join(f"{name}={item.coded_value}" for name, item in self._cookies.items())

    def target(self, sid: str | None) -> str:
        """Return the target of the next request; each is unique, so that no cache answers it."""
        parts = urlsplit(f"{self._options.address('polling', sid)}&t={next(self._numbers)}")
        path = f"{parts.path}?{parts.query}"
        is_forwarded = self._proxy is not None and self._tls is None
        return f"http://{self._host}{path}" if is_forwarded else path

    def headers(self) -> Headers:
        """Return the headers of the next request."""
        headers = [("Host", self._host), *self._options.headers.items()]
        if self._server.username is not None:
            user, password = self._server.username, self._server.password or ""
            headers.append(("Authorization", _basic(unquote(user), unquote(password))))
        if self._proxy is not None and self._tls is None:
            headers += _proxy_headers(self._proxy)
        if self._cookies:
            headers.append(("Cookie", self.cookie))
        return headers

    def receive_cookie(self, header: str) -> None:
        """Store the cookies of a `Set-Cookie` header; ignore it if it is malformed."""
        try:
            self._cookies.load(header)
        except CookieError:
            return

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection.

        Raises:
            OSError: The server or the proxy cannot be reached, or its certificate is not valid.
            NotConnected: The proxy rejects the tunnel.
        """
        host, proxy = self._server.hostname, self._proxy
        if proxy is None:
            port = self._server.port or (443 if self._tls else 80)
            return await asyncio.open_connection(host, port, ssl=self._tls)
        to_proxy = ssl.create_default_context() if proxy.scheme == "https" else None
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port, ssl=to_proxy)
        if self._tls is not None:
            try:
                await self._tunnel(proxy, reader, writer)
                await writer.start_tls(self._tls, server_hostname=host)
            except BaseException:
                writer.transport.abort()
                raise
        return reader, writer

    @property
    def _host(self) -> str:
        return self._server.netloc.rpartition("@")[2]

    async def _tunnel(
        self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        address = f"{self._server.hostname}:{self._server.port or 443}"
        headers = [("Host", address), *_proxy_headers(proxy)]
        lines = [f"CONNECT {address} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        writer.write("\r\n".join([*lines, "", ""]).encode("ascii"))
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise NotConnected("the proxy closed the connection") from error
        status = head.split(b" ", 2)[1:2]
        if status != [b"200"]:
            line = head.split(b"\r\n", 1)[0].decode("latin-1")
            raise NotConnected(f"the proxy rejected the tunnel: {line!r}")


class HttpConnection:
    """A connection to the server that opens with the first request and is reused.

    Args:
        route: How to reach the server.
        max_body: Bytes of the largest response body to accept.

    Attributes:
        reads: How many times bytes arrived.
    """

    def __init__(self, route: Route, max_body: int) -> None:
        self._route = route
        self._max_body = max_body
        self._h11: h11.Connection
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None
        self._idle_since = 0.0
        self.reads = 0

    async def request(self, method: str, sid: str | None, body: str | None = None) -> str:
        """Send a request of a session and return the body of the response.

        Raises:
            OSError: The connection cannot be opened, or it broke.
            NotConnected: The status of the response is not 200.
            RemoteProtocolError: The response is not HTTP, not UTF-8, or too large.
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
        """Close the connection at once."""
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
                self.reads += 1
                if not data and response is None:
                    raise ConnectionResetError("the server closed the connection")
                self._h11.receive_data(data)
            elif isinstance(event, h11.Response):
                response = event
            elif isinstance(event, h11.Data):
                content += event.data
                if len(content) > self._max_body:
                    raise RemoteProtocolError(f"the response exceeds {self._max_body} bytes")
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
            detail = content.partition(b"\n")[0][:100].decode("utf-8", "replace")
            location = dict(response.headers).get(b"location")
            if location is not None:
                detail = f"to {location.decode('latin-1')}"
            elif response.status_code == NOT_FOUND:
                detail = f"at {self._route.path}: check the option `path`"
            elif detail.startswith("<"):  # an HTML page is useless in a message
                detail = ""
            raise NotConnected(f"HTTP {response.status_code} {detail}".strip())
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise RemoteProtocolError("the response is not valid UTF-8") from error


def _find_proxy(options: TransportOptions) -> Proxy | None:
    """Return the proxy that a WebSocket to the same server would use."""
    setting = options.proxy
    if setting is True:
        setting = get_proxy(parse_uri(options.address("websocket")))
    if not setting:
        return None
    proxy = parse_proxy(setting)
    if proxy.scheme not in ("http", "https"):
        raise NotConnected(f"long-polling does not support {proxy.scheme} proxies")
    return proxy


def _proxy_headers(proxy: Proxy) -> Headers:
    if proxy.user_info is None:
        return []
    return [("Proxy-Authorization", _basic(*proxy.user_info))]


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
