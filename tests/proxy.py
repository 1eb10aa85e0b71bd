"""A TCP proxy between a client and a server, to break their connection."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self
from urllib.parse import urlsplit


class _Leg(asyncio.Protocol):
    """One side of a proxied connection; it forwards what it receives to the other side."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.transport: asyncio.Transport | None = None
        self.other: _Leg | None = None
        self.is_stalled = False
        self.is_stranded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)
            self.proxy.transferred += len(data)

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self._stall_other(True)

    def resume_writing(self) -> None:
        self._stall_other(False)

    def connection_lost(self, error: Exception | None) -> None:
        self.proxy.legs.discard(self)
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()

    def _stall_other(self, stalled: bool) -> None:
        if self.other is not None:
            self.other.is_stalled = stalled
            self.other.regulate()

    @property
    def is_held_back(self) -> bool:
        return self.is_stranded or self.proxy.is_frozen or self.proxy.is_mute

    def regulate(self) -> None:
        """Read only while the connection is not held back and the other side is not full."""
        if self.transport is None or self.transport.is_closing():
            return
        if self.is_stalled or self.other is None or self.is_held_back:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()


class _FrontLeg(_Leg):
    """The client's side."""

    @property
    def is_held_back(self) -> bool:
        return self.is_stranded or self.proxy.is_frozen

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.proxy.is_refusing:
            transport.abort()
            return
        self.proxy.accepted += 1
        self.proxy.legs.add(self)
        self.regulate()
        self.proxy.spawn(self._reach_server())

    async def _reach_server(self) -> None:
        loop = asyncio.get_running_loop()
        assert self.transport is not None
        try:
            back = await self.proxy.connect(loop)
        except OSError:
            self.transport.abort()
            return
        self.other, back.other = back, self
        self.proxy.legs.add(back)
        if self.transport.is_closing():
            assert back.transport is not None
            back.transport.abort()
            return
        self.regulate()
        back.regulate()


class Proxy:
    """Forwards TCP connections to a server, and breaks them on request.

    Attributes:
        url: the URL that clients connect to.
        accepted: the number of connections accepted so far.
        transferred: the number of bytes forwarded so far, in both directions.
    """

    def __init__(self, upstream: str) -> None:
        self.forward(upstream)
        self.url = ""
        self.accepted = 0
        self.transferred = 0
        self.is_frozen = False
        self.is_mute = False
        self.is_refusing = False
        self.legs: set[_Leg] = set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _FrontLeg(self), "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks)
        self.cut()

    def forward(self, upstream: str) -> None:
        """Forward new connections to this server."""
        address = urlsplit(upstream)
        self.upstream = (address.hostname, address.port)

    async def connect(self, loop: asyncio.AbstractEventLoop) -> _Leg:
        """Open a connection to the server."""
        _, back = await loop.create_connection(lambda: _Leg(self), *self.upstream)
        return back

    def cut(self) -> None:
        """Reset every connection; new ones are accepted as before."""
        for leg in list(self.legs):
            if leg.transport is not None:
                leg.transport.abort()

    def refuse(self) -> None:
        """Reset every new connection until `accept`."""
        self.is_refusing = True

    def accept(self) -> None:
        """Accept new connections again."""
        self.is_refusing = False

    def freeze(self) -> None:
        """Hold back everything until `thaw`, without closing, like a dead link."""
        self.is_frozen = True
        self._regulate()

    def strand(self) -> None:
        """Hold back everything on the current connections for good; new ones work."""
        for leg in list(self.legs):
            leg.is_stranded = True
            leg.regulate()

    def mute(self) -> None:
        """Hold back what the server sends until `thaw`; the server still receives from clients."""
        self.is_mute = True
        self._regulate()

    def thaw(self) -> None:
        """Resume forwarding, including everything held back."""
        self.is_frozen = self.is_mute = False
        self._regulate()

    def _regulate(self) -> None:
        for leg in list(self.legs):
            leg.regulate()

    def spawn(self, coroutine) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Balancer(Proxy):
    """Forwards each connection to the next of several servers that accepts it.

    Attributes:
        opened: when connections were accepted, by the clock of the event loop.
    """

    def __init__(self, *upstreams: str) -> None:
        super().__init__(upstreams[0])
        self.upstreams = [urlsplit(upstream) for upstream in upstreams]
        self.opened: list[float] = []

    async def connect(self, loop: asyncio.AbstractEventLoop) -> _Leg:
        """Open a connection to the next server; to another one if it refuses.

        Raises:
            OSError: no server accepts connections.
        """
        self.opened.append(loop.time())
        for _ in self.upstreams[1:]:
            with contextlib.suppress(OSError):
                return await self._connect_to_next(loop)
        return await self._connect_to_next(loop)

    async def _connect_to_next(self, loop: asyncio.AbstractEventLoop) -> _Leg:
        upstream = self.upstreams.pop(0)
        self.upstreams.append(upstream)
        _, back = await loop.create_connection(lambda: _Leg(self), upstream.hostname, upstream.port)
        return back
