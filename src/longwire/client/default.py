"""The process-wide client of each server."""

import os

from longwire.client.client import WebSocketClient
from longwire.errors import ConfigurationError

_clients: dict[str, WebSocketClient] = {}


def get_websocket_client(url: str | None = None) -> WebSocketClient:
    """Return the process-wide client of a server; the first call creates it.

    All calls with the same URL return the same client. It belongs to the event loop that connects
    it, does not connect by itself, and lives until the process ends. When several tasks use it in
    `async with`, the last one to leave disconnects it. A forked process creates its own. Tests, and
    programs that act for several users, should create a `WebSocketClient` each.

    Args:
        url: URL of the server. Default: the environment variable `LONGWIRE_URL`, read at the call.

    Raises:
        ConfigurationError: There is no URL, or it is invalid.
    """
    address = url or os.environ.get("LONGWIRE_URL")
    if not address:
        raise ConfigurationError("pass a url, or set LONGWIRE_URL")
    if address not in _clients:
        _clients[address] = WebSocketClient(address)
    return _clients[address]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_clients.clear)
