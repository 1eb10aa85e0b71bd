"""Packets to text and attachments, for whoever sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from longwire.errors import LocalProtocolError
from longwire.socketio.binary import take_attachments_out
from longwire.socketio.packet import MAIN, RESERVED_EVENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

_ENCODER: Final = msgspec.json.Encoder()


def encode_connect(namespace: str, data: object = None) -> str:
    """CONNECT: `0[<namespace>,][<object>]`.

    Args:
        namespace: the namespace to ask for, or to grant.
        data: what goes along, a JSON object; None for nothing.

    Raises:
        LocalProtocolError: the namespace's name or the data is not possible on the wire.
    """
    payload = "" if data is None else _encode_json(data)
    if payload and not payload.startswith("{"):
        raise LocalProtocolError("what goes along with CONNECT is a JSON object")
    return _header("0", namespace) + payload


def encode_disconnect(namespace: str) -> str:
    """DISCONNECT: `1[<namespace>,]`.

    Raises:
        LocalProtocolError: the namespace's name is not possible on the wire.
    """
    return _header("1", namespace)


def encode_connect_error(namespace: str, message: str, data: object = None) -> str:
    """CONNECT_ERROR: `4[<namespace>,]{"message":…[,"data":…]}`.

    Raises:
        LocalProtocolError: the namespace's name or the data is not possible on the wire.
    """
    body = {"message": message} if data is None else {"message": message, "data": data}
    return _header("4", namespace) + _encode_json(body)


def encode_event(
    namespace: str, name: str, args: Sequence[object], ack_id: int | None = None
) -> tuple[str, Sequence[bytes]]:
    """EVENT, or BINARY_EVENT if an argument holds binary data: the text, then the attachments.

    Args:
        namespace: the namespace.
        name: the event's name.
        args: whatever msgspec encodes; `msgspec.Raw` is trusted to be JSON. Binary data is taken
            out at any depth.
        ack_id: the number to answer to; None if no answer is wanted.

    Raises:
        LocalProtocolError: the name is reserved, or something is not possible on the wire.
    """
    if name in RESERVED_EVENTS:
        raise LocalProtocolError(f"the event name {name!r} is reserved")
    return _encode_items("2", "5", namespace, ack_id, [name, *args])


def encode_ack(namespace: str, ack_id: int, args: Sequence[object]) -> tuple[str, Sequence[bytes]]:
    """ACK, or BINARY_ACK if an argument holds binary data: the text, then the attachments.

    Raises:
        LocalProtocolError: something is not possible on the wire.
    """
    return _encode_items("3", "6", namespace, ack_id, list(args))


def _encode_items(
    plain: str, binary: str, namespace: str, ack_id: int | None, items: list[object]
) -> tuple[str, Sequence[bytes]]:
    attachments: list[bytes] = []
    try:
        json = _ENCODER.encode(take_attachments_out(items, attachments)).decode()
    except (TypeError, ValueError, RecursionError) as error:
        raise LocalProtocolError(f"cannot be sent: {error}") from error
    kind = f"{binary}{len(attachments)}-" if attachments else plain
    number = "" if ack_id is None else ack_id
    return f"{_header(kind, namespace)}{number}{json}", attachments


def _header(kind: str, namespace: str) -> str:
    if namespace == MAIN:
        return kind
    if not namespace.startswith("/") or "," in namespace:
        raise LocalProtocolError(f"a namespace cannot be named {namespace!r}")
    return f"{kind}{namespace},"


def _encode_json(value: object) -> str:
    try:
        return _ENCODER.encode(value).decode()
    except (TypeError, ValueError, RecursionError) as error:
        raise LocalProtocolError(f"cannot be sent: {error}") from error
