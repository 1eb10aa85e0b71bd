"""One client for a whole process."""

from __future__ import annotations

import os

from longwire.client.client import WebSocketClient
from longwire.errors import LocalProtocolError

_clients: dict[str, WebSocketClient] = {}


def get_websocket_client(url: str | None = None) -> WebSocketClient:
    """Return the client of this process for a server; the first call makes it.

    Everyone who asks for the same address gets the same client. It belongs to the event loop that
    connects it, does not connect by itself, and stays until the process ends; of those who enter it
    by `async with` the last to leave disconnects. A forked process makes its own. Tests, and
    programs with several users, make a `WebSocketClient` each.

    Args:
        url: the server; else the environment's LONGWIRE_URL, read now and not at import.

    Raises:
        LocalProtocolError: neither is given, or it is no address.
    """
    address = url or os.environ.get("LONGWIRE_URL")
    if not address:
        raise LocalProtocolError("give an address, or set LONGWIRE_URL")
    if address not in _clients:
        _clients[address] = WebSocketClient(address)
    return _clients[address]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_clients.clear)
