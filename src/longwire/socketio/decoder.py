"""Text to packets: `<type>[<n>-][<namespace>,][<ack id>][JSON]`, then n binary messages.

The name of an event is decoded here and its arguments are only checked to be JSON: who handles the
event decodes them, once, to the type that it wants.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from longwire.errors import RemoteProtocolError
from longwire.socketio.binary import check_placeholders
from longwire.socketio.packet import (
    MAIN,
    MAX_ACK_ID,
    RESERVED_EVENTS,
    Ack,
    Connect,
    ConnectError,
    Disconnect,
    Event,
    Packet,
)
from longwire.socketio.surrogates import replace_lone_surrogates

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ATTACHMENTS = 10
"""Attachments of a packet; the reference's default."""

MAX_ATTACHMENT_BYTES = 4_000_000
"""Bytes of a packet's attachments together: what an unfinished packet can make this side hold."""

MAX_NAMESPACE = 256
"""Characters of a namespace: names are kept per connection, and echoed."""

_HEADER: Final = re.compile(r"([0-6])(?:([0-9]{1,3})-)?(?:(/[^,]*)(?:,|\Z))?([0-9]{0,16})")
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NAME: Final = msgspec.json.Decoder(str | int)
_ABSENT: Final = msgspec.Raw(b"")

_MAX_PLAIN_DIGITS: Final = 15  # with no more, a number is below MAX_ACK_ID


class _PlainEvent(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    name: str
    first: msgspec.Raw = _ABSENT
    second: msgspec.Raw = _ABSENT


_PLAIN_EVENT: Final = msgspec.json.Decoder(_PlainEvent)


class _ErrorBody(msgspec.Struct):
    message: str = ""
    data: msgspec.Raw = _ABSENT


_ERROR_BODY: Final = msgspec.json.Decoder(_ErrorBody | str)


class IncompletePacket:
    """A binary packet whose attachments are still to come."""

    __slots__ = ("_attachments", "_bytes_left", "_count", "_packet")

    def __init__(self, packet: Event | Ack, count: int, max_bytes: int) -> None:
        self._packet = packet
        self._count = count
        self._bytes_left = max_bytes
        self._attachments: list[bytes] = []

    @property
    def namespace(self) -> str:
        """The packet's namespace."""
        return self._packet.namespace

    def receive_attachment(self, data: bytes) -> Event | Ack | None:
        """The packet, if this was its last attachment.

        Raises:
            RemoteProtocolError: the attachments are too large together.
        """
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            raise RemoteProtocolError("attachments are too large")
        self._attachments.append(data)
        if len(self._attachments) < self._count:
            return None
        return msgspec.structs.replace(self._packet, attachments=tuple(self._attachments))


def decode_packet(
    text: str,
    *,
    max_attachments: int = MAX_ATTACHMENTS,
    max_attachment_bytes: int = MAX_ATTACHMENT_BYTES,
) -> Packet | IncompletePacket:
    """The packet in a text message, or what waits for its attachments.

    Raises:
        RemoteProtocolError: it is none.
    """
    if text.startswith("2"):
        event = decode_plain_event(text, 0)
        if event is not None:
            return event
    header = _HEADER.match(text)
    if header is None:
        raise RemoteProtocolError(f"unknown packet type {text[:1]!r}")
    kind, count, namespace, number = header.groups()
    namespace = namespace or MAIN
    if len(namespace) > MAX_NAMESPACE:
        raise RemoteProtocolError("a namespace's name is too long")
    if (count is None) == (kind in _BINARY):
        raise RemoteProtocolError("an attachment count where none belongs, or none where it does")
    packet = _decode_payload(kind, namespace, _ack_id(number), text[header.end() :])
    if count is not None and isinstance(packet, Event | Ack):
        return _await_attachments(packet, int(count), max_attachments, max_attachment_bytes)
    return packet


def _decode_payload(kind: str, namespace: str, ack_id: int | None, payload: str) -> Packet:
    try:
        return _DECODERS[kind](namespace, ack_id, payload)
    except (ValueError, RecursionError) as error:
        mended = replace_lone_surrogates(payload)
        if mended != payload:
            return _decode_payload(kind, namespace, ack_id, mended)
        raise RemoteProtocolError(f"invalid payload: {error}") from error


def decode_plain_event(text: str, start: int) -> Event | None:
    """The fast path: a sound event of the main namespace with two arguments at most.

    Args:
        text: a message.
        start: where its packet begins, with the type of an event.

    Returns:
        None: it is for `decode_packet` to say what it is.
    """
    array = text.find("[", start + 1, start + _MAX_PLAIN_DIGITS + 2)
    if array < 0:
        return None
    digits = text[start + 1 : array]
    if digits and not (digits.isascii() and digits.isdigit()):
        return None
    try:
        items = _PLAIN_EVENT.decode(text[array:])
    except (ValueError, RecursionError):
        return None
    if items.name in RESERVED_EVENTS:
        return None
    args: tuple[msgspec.Raw, ...] = () if items.first is _ABSENT else (items.first,)
    if items.second is not _ABSENT:
        args = (items.first, items.second)
    return Event(MAIN, items.name, args, (), int(digits) if digits else None)


def _await_attachments(
    packet: Event | Ack, count: int, max_attachments: int, max_bytes: int
) -> IncompletePacket:
    if not 0 < count <= max_attachments:
        raise RemoteProtocolError(f"{count} attachments, where 1 to {max_attachments} may be")
    check_placeholders(packet.args, count)
    return IncompletePacket(packet, count, max_bytes)


def _ack_id(digits: str) -> int | None:
    if not digits:
        return None
    number = int(digits)
    if number > MAX_ACK_ID:
        raise RemoteProtocolError("an acknowledgement number beyond 2**53-1")
    return number


def _decode_connect(namespace: str, ack_id: int | None, payload: str) -> Connect:
    if not payload:
        return Connect(namespace)
    _OBJECT.decode(payload)
    return Connect(namespace, msgspec.Raw(payload))


def _decode_disconnect(namespace: str, ack_id: int | None, payload: str) -> Disconnect:
    if payload:
        raise RemoteProtocolError("DISCONNECT has no payload")
    return Disconnect(namespace)


def _decode_event(namespace: str, ack_id: int | None, payload: str) -> Event:
    items = _ARRAY.decode(payload)
    if not items:
        raise RemoteProtocolError("an event without a name")
    name = str(_NAME.decode(items[0]))
    if name in RESERVED_EVENTS:
        raise RemoteProtocolError(f"an event of the reserved name {name!r}")
    return Event(namespace, name, tuple(items[1:]), (), ack_id)


def _decode_ack(namespace: str, ack_id: int | None, payload: str) -> Ack:
    if ack_id is None:
        raise RemoteProtocolError("an acknowledgement without a number")
    return Ack(namespace, ack_id, tuple(_ARRAY.decode(payload)))


def _decode_connect_error(namespace: str, ack_id: int | None, payload: str) -> ConnectError:
    body = _ERROR_BODY.decode(payload)
    if isinstance(body, str):
        return ConnectError(namespace, body)
    return ConnectError(namespace, body.message, body.data if bytes(body.data) else None)


_BINARY: Final = frozenset("56")
_DECODERS: Final[dict[str, Callable[[str, int | None, str], Packet]]] = {
    "0": _decode_connect,
    "1": _decode_disconnect,
    "2": _decode_event,
    "3": _decode_ack,
    "4": _decode_connect_error,
    "5": _decode_event,
    "6": _decode_ack,
}
