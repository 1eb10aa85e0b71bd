"""The query string of a request: protocol version, transport and session id."""

from functools import lru_cache
from urllib.parse import parse_qsl

import msgspec

from longwire.engineio.errors import (
    BAD_HANDSHAKE_METHOD,
    BAD_REQUEST,
    TRANSPORT_UNKNOWN,
    UNSUPPORTED_VERSION,
    RequestError,
)
from longwire.engineio.state import Transport

MAX_FIELDS = 100
"""Fields in a query. Applications add a few of their own; thousands are an attack on the parser."""

_TRANSPORTS: dict[str, Transport] = {"polling": "polling", "websocket": "websocket"}


class Query(msgspec.Struct, frozen=True):
    """A valid query.

    Attributes:
        transport: the transport of the request.
        sid: the session of the request; None requests a new one.
    """

    transport: Transport
    sid: str | None


@lru_cache(maxsize=64)  # almost all clients open a WebSocket with the same query
def parse_query(
    query: str, *, method: str = "GET", websocket: bool = False
) -> Query | RequestError:
    """Parse a query; return the query, or the response that rejects the request.

    The checks have the order of the reference: transport, method and kind of request, version. The
    caller checks whether the session exists.

    Args:
        query: the query string, still percent-encoded.
        method: the HTTP method.
        websocket: whether the request opens a WebSocket.
    """
    fields = _fields(query)
    if fields is None:
        return BAD_REQUEST
    transport = _TRANSPORTS.get(fields.get("transport", ""))
    if transport is None:
        return TRANSPORT_UNKNOWN
    sid = fields.get("sid") or None
    if sid is None and method != "GET":
        return BAD_HANDSHAKE_METHOD
    if method not in ("GET", "POST") or websocket != (transport == "websocket"):
        return BAD_REQUEST
    return Query(transport, sid) if fields.get("EIO") == "4" else UNSUPPORTED_VERSION


def _fields(query: str) -> dict[str, str] | None:
    """Return the fields; None if there are too many, or if one of Engine.IO's is repeated."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return None
    ours = [name for name, _ in pairs if name in ("EIO", "transport", "sid")]
    return dict(pairs) if len(ours) == len(set(ours)) else None
