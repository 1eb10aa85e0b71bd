"""A WebSocket client that sends exactly the given messages."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

SOON = 5.0  # far below the heartbeat's 25 s


@contextlib.asynccontextmanager
async def websocket(url: str, query: str = "", **options) -> AsyncIterator[ClientConnection]:
    """Open a WebSocket without extensions, at Engine.IO's path."""
    address = f"{url.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket{query}"
    async with connect(address, proxy=None, compression=None, **options) as connection:
        yield connection


async def receive(connection: ClientConnection) -> str | bytes:
    return await asyncio.wait_for(connection.recv(), SOON)


async def expect(connection: ClientConnection, start: str) -> str:
    """Receive until a message starts with `start`, and return it."""
    while True:
        message = await receive(connection)
        if isinstance(message, str) and message.startswith(start):
            return message


async def sign_in(connection: ClientConnection, token: str, **auth: object) -> None:
    assert str(await receive(connection)).startswith("0{")
    await connection.send(f"40{json.dumps({'token': token, **auth})}")
    await expect(connection, '42["authenticated"')


async def call(connection: ClientConnection, event: str, *args: object) -> Any:
    """Send an event and return the first argument of its acknowledgement."""
    await connection.send("427" + json.dumps([event, *args]))
    return json.loads((await expect(connection, "437["))[3:])[0]


async def events(connection: ClientConnection, name: str) -> list[Any]:
    """Receive until an event of that name, and return its arguments."""
    return json.loads((await expect(connection, f'42["{name}"'))[2:])[1:]


async def is_closed(connection: ClientConnection) -> bool:
    """Return True once the server has closed the connection, before a heartbeat is due."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await receive(connection)
    return True
