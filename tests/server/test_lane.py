"""The lane on its transport."""

from __future__ import annotations

import socket

from longwire import Server, anonymous
from longwire.server import lane
from tests.server.raw_websocket import call, sign_in, websocket
from tests.serving import serving


async def test_a_small_frame_is_not_held_back_behind_another(monkeypatch) -> None:
    """A socket made like uvicorn's leaves Nagle's algorithm on: each sign-in took 90 ms."""
    opened: list[lane.Lane] = []
    attach = lane.Lane.attach

    def remember(self: lane.Lane, session) -> None:
        opened.append(self)
        attach(self, session)

    monkeypatch.setattr(lane.Lane, "attach", remember)
    server = Server(authenticate=anonymous)
    async with serving(server) as url, websocket(url) as connection:
        await sign_in(connection, "anybody")
        assert await call(connection, "ping")
        [one] = opened
        assert one._transport is not None
        server_side = one._transport.get_extra_info("socket")
        assert server_side.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
