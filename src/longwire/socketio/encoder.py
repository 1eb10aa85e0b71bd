"""Encodes packets as text and attachments."""

from collections.abc import Sequence
from typing import Final

import msgspec

from longwire.errors import LocalProtocolError
from longwire.socketio.binary import extract_attachments
from longwire.socketio.packet import MAIN, RESERVED_EVENTS

_ENCODER: Final = msgspec.json.Encoder()


class EncodedEvent(msgspec.Struct, frozen=True):
    """An event that is encoded except for its header, which depends on the connection.

    Attributes:
        json: the name and the arguments: `["name",…]`.
        attachments: the binary data of the arguments.
    """

    json: str
    attachments: Sequence[bytes] = ()


def encode_connect(namespace: str, data: object = None) -> str:
    """Encode CONNECT: `0[<namespace>,][<object>]`.

    Args:
        namespace: the namespace to request, or to grant.
        data: the payload, a JSON object; None for no payload.

    Raises:
        LocalProtocolError: the namespace or the data cannot be encoded.
    """
    payload = "" if data is None else _encode_json(data)
    if payload and not payload.startswith("{"):
        raise LocalProtocolError("the payload of CONNECT must be a JSON object")
    return _header("0", namespace) + payload


def encode_disconnect(namespace: str) -> str:
    """Encode DISCONNECT: `1[<namespace>,]`.

    Raises:
        LocalProtocolError: the namespace cannot be encoded.
    """
    return _header("1", namespace)


def encode_connect_error(namespace: str, message: str, data: object = None) -> str:
    """Encode CONNECT_ERROR: `4[<namespace>,]{"message":…[,"data":…]}`.

    Raises:
        LocalProtocolError: the namespace or the data cannot be encoded.
    """
    body = {"message": message} if data is None else {"message": message, "data": data}
    return _header("4", namespace) + _encode_json(body)


def encode_event(
    namespace: str, name: str, args: Sequence[object], ack_id: int | None = None
) -> tuple[str, Sequence[bytes]]:
    """Encode EVENT, or BINARY_EVENT if an argument contains binary data.

    Args:
        namespace: the namespace.
        name: the event's name.
        args: values that msgspec can encode, with binary data at any depth. `msgspec.Raw` must
            contain valid JSON, which is not checked.
        ack_id: the id of the acknowledgement; None if none is requested.

    Returns:
        The text and the attachments.

    Raises:
        LocalProtocolError: the name is reserved, or a value cannot be encoded.
    """
    json, attachments = _encode_event(name, args)
    return _packet("2", "5", namespace, ack_id, json, attachments), attachments


def encode_event_body(name: str, args: Sequence[object]) -> EncodedEvent:
    """Encode the part of an EVENT that is the same on every connection; see `encode_event`.

    Raises:
        LocalProtocolError: the name is reserved, or an argument cannot be encoded.
    """
    return EncodedEvent(*_encode_event(name, args))


def encode_event_packet(namespace: str, event: EncodedEvent, ack_id: int | None = None) -> str:
    """Return the text of an EVENT packet; the attachments of the event follow it.

    Raises:
        LocalProtocolError: the namespace cannot be encoded.
    """
    return _packet("2", "5", namespace, ack_id, event.json, event.attachments)


def encode_ack(namespace: str, ack_id: int, args: Sequence[object]) -> tuple[str, Sequence[bytes]]:
    """Encode ACK, or BINARY_ACK if an argument contains binary data, like `encode_event`.

    Raises:
        LocalProtocolError: a value cannot be encoded.
    """
    json, attachments = _encode_items(list(args))
    return _packet("3", "6", namespace, ack_id, json, attachments), attachments


def _encode_event(name: str, args: Sequence[object]) -> tuple[str, list[bytes]]:
    if name in RESERVED_EVENTS:
        raise LocalProtocolError(f"the event name {name!r} is reserved")
    return _encode_items([name, *args])


def _encode_items(items: list[object]) -> tuple[str, list[bytes]]:
    attachments: list[bytes] = []
    try:
        return _ENCODER.encode(extract_attachments(items, attachments)).decode(), attachments
    except (TypeError, ValueError, RecursionError) as error:
        raise LocalProtocolError(f"cannot encode the packet: {error}") from error


def _packet(
    plain: str,
    binary: str,
    namespace: str,
    ack_id: int | None,
    json: str,
    attachments: Sequence[bytes],
) -> str:
    kind = f"{binary}{len(attachments)}-" if attachments else plain
    number = "" if ack_id is None else ack_id
    return f"{_header(kind, namespace)}{number}{json}"


def _header(kind: str, namespace: str) -> str:
    if namespace == MAIN:
        return kind
    if not namespace.startswith("/") or "," in namespace:
        raise LocalProtocolError(
            f"a namespace must start with / and not contain a comma, got {namespace!r}"
        )
    return f"{kind}{namespace},"


def _encode_json(value: object) -> str:
    try:
        return _ENCODER.encode(value).decode()
    except (TypeError, ValueError, RecursionError) as error:
        raise LocalProtocolError(f"cannot encode the packet: {error}") from error
