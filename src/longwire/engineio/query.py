"""The query of a request: which version, which transport, which session."""

from __future__ import annotations

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
from longwire.engineio.state import Transport  # noqa: TC001 (msgspec reads annotations)

MAX_FIELDS = 100
"""Fields in a query. Applications add a few of their own; a thousand is an attack on the parser."""

_TRANSPORTS: dict[str, Transport] = {"polling": "polling", "websocket": "websocket"}


class Query(msgspec.Struct, frozen=True):
    """What a request asks for.

    Attributes:
        transport: the transport that it belongs to.
        sid: the session that it belongs to; None asks for a new one.
    """

    transport: Transport
    sid: str | None


@lru_cache(maxsize=64)  # almost everybody asks for a new WebSocket in the same words
def parse_query(
    query: str, *, method: str = "GET", websocket: bool = False
) -> Query | RequestError:
    """What the request asks for, or the refusal that it gets.

    Checks in the reference's order: transport, method and kind of request, version. Whether the
    session exists is the caller's to see.

    Args:
        query: the query string as it came, still percent-encoded.
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
    """The fields of the query; None if it has too many or says one of ours twice."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return None
    ours = [name for name, _ in pairs if name in ("EIO", "transport", "sid")]
    return dict(pairs) if len(ours) == len(set(ours)) else None
