"""Connects the client of `run`, `watch` and `emit`."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from longwire.cli.settings import service_token, token_source
from longwire.client import WebSocketClient
from longwire.errors import ConnectionRefused, LongwireError, NotConnected

# Short enough for a user who waits at the terminal.
TIMEOUT: Final = 5.0


class Unreachable(LongwireError):
    """No Longwire server answers at the URL, or it rejects the command's token."""

    code = "unreachable"


@asynccontextmanager
async def connect(url: str) -> AsyncGenerator[WebSocketClient]:
    """Connect as a service for the duration of the body; the client reconnects by itself.

    Raises:
        ConfigurationError: the URL is not valid.
        NoSecret: there is neither a token nor a secret to sign one with.
        Unreachable: no Longwire server answers at the URL, or it rejects the token.
    """
    # Failures that matter to the user are raised; log records would only clutter the terminal.
    logging.getLogger("longwire.client").addHandler(logging.NullHandler())
    client = WebSocketClient(
        url, token=service_token(), timeout=TIMEOUT, reconnection_delay_max=TIMEOUT
    )
    try:
        await client.connect()
    except NotConnected as error:
        reason = str(error).removeprefix(f"{url}: ")
        raise Unreachable(f"cannot connect to {url}: {reason}") from error
    except ConnectionRefused as error:
        raise Unreachable(f"{url} rejected {token_source()}: {error}") from error
    try:
        yield client
    finally:
        await client.disconnect()
