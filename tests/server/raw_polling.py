"""A long-polling client that sends exactly the given bytes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx

SEPARATOR = "\x1e"


class RawPolling:
    """One Engine.IO session over plain HTTP requests."""

    def __init__(self, http: httpx.AsyncClient, path: str = "/socket.io/") -> None:
        self.http = http
        self.path = path
        self.handshake: dict[str, Any] = {}

    @property
    def query(self) -> dict[str, str]:
        """The query of a request; contains the session's id after the handshake."""
        sid = {"sid": self.handshake["sid"]} if self.handshake else {}
        return {"EIO": "4", "transport": "polling", **sid}

    async def open(self) -> httpx.Response:
        """Do the handshake."""
        response = await self.http.get(self.path, params=self.query)
        assert response.status_code == 200, response.text
        assert response.text[0] == "0"
        self.handshake = json.loads(response.text[1:])
        return response

    async def get(self, **options: Any) -> httpx.Response:
        """Poll once."""
        return await self.http.get(self.path, params=self.query, **options)

    async def poll(self, **options: Any) -> list[str]:
        """Poll once and return the packets."""
        response = await self.get(**options)
        assert response.status_code == 200, response.text
        return response.text.split(SEPARATOR)

    async def start_poll(self) -> asyncio.Task[list[str]]:
        """Start to poll; return when the request was sent."""
        sent = asyncio.Event()

        async def trace(step: str, _: Any) -> None:
            if step == "http11.send_request_body.complete":
                sent.set()

        polling = asyncio.create_task(self.poll(extensions={"trace": trace}))
        await sent.wait()
        return polling

    async def post(self, *packets: str, **options: Any) -> httpx.Response:
        """Send packets in one body."""
        options.setdefault("content", SEPARATOR.join(packets).encode())
        options.setdefault("headers", {"Content-Type": "text/plain; charset=UTF-8"})
        return await self.http.post(self.path, params=self.query, **options)

    async def sign_in(self, token: str) -> list[str]:
        """Open a session and sign in; return the packets up to `authenticated`."""
        await self.open()
        response = await self.post(f"40{json.dumps({'token': token})}")
        assert response.text == "ok"
        packets: list[str] = []
        while not any(packet.startswith('42["authenticated"') for packet in packets):
            packets += await self.poll()
        return packets

    async def expect(self, start: str) -> str:
        """Poll until a packet starts with `start`, and return it."""
        while True:
            for packet in await self.poll():
                if packet.startswith(start):
                    return packet

    async def is_closed(self) -> bool:
        """Return whether the server has closed the session and no longer knows its id."""
        response = await self.get()
        if response.status_code == 200:
            assert set(response.text.split(SEPARATOR)) & {"1", "6"}, response.text
            response = await self.get()
        return response.status_code == 400 and response.json()["code"] == 1
