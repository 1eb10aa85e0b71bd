"""The client of `run`, `watch` and `emit`."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from longwire.cli.settings import service_token, token_source
from longwire.client import WebSocketClient
from longwire.errors import ConnectionRefused, LongwireError, NotConnected

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

# Somebody waits at the terminal.
TIMEOUT: Final = 5.0


class Unreachable(LongwireError):
    """No Longwire answers at the address, or it lets this command not in."""

    code = "unreachable"


@asynccontextmanager
async def connected(url: str) -> AsyncGenerator[WebSocketClient]:
    """Connect as a service for the body, which survives drops; then say goodbye.

    Raises:
        ConfigurationError: The URL is invalid.
        NoSecret: there is no token, and nothing to sign one with.
        Unreachable: no Longwire answers there, or it refuses the token.
    """
    # What matters to the user comes back as an exception; the rest is not for the terminal.
    logging.getLogger("longwire.client").addHandler(logging.NullHandler())
    client = WebSocketClient(
        url, token=service_token(), timeout=TIMEOUT, reconnection_delay_max=TIMEOUT
    )
    try:
        await client.connect()
    except NotConnected as error:
        why = str(error).removeprefix(f"{url}: ")
        raise Unreachable(f"no server answers at {url}: {why}") from error
    except ConnectionRefused as error:
        raise Unreachable(f"{url} refuses {token_source()}: {error}") from error
    try:
        yield client
    finally:
        await client.disconnect()
