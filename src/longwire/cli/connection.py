"""The client of `run`, `watch` and `emit`."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from longwire.client import WebSocketClient
from longwire.errors import LongwireError, NotConnected

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

# Somebody waits at the terminal.
TIMEOUT: Final = 5.0


class Unreachable(LongwireError):
    """No Longwire answers at the address."""

    code = "unreachable"


@asynccontextmanager
async def connected(url: str, token: Callable[[], str]) -> AsyncGenerator[WebSocketClient]:
    """Connect for the body, which survives drops; then say goodbye.

    Raises:
        LocalProtocolError: the URL is none.
        Unreachable: no Longwire answers there.
        ConnectionRefused: it refuses the token.
    """
    # What matters to the user comes back as an exception; the rest is not for the terminal.
    logging.getLogger("longwire.client").addHandler(logging.NullHandler())
    client = WebSocketClient(url, token=token, timeout=TIMEOUT)
    try:
        await client.connect()
    except NotConnected as error:
        raise Unreachable(f"no server answers at {url}: {error}") from error
    try:
        yield client
    finally:
        await client.disconnect()
