"""Decodes packets: `<type>[<n>-][<namespace>,][<ack id>][JSON]`, then n binary messages.

The arguments of an event are checked to be JSON and stay raw: the handler of the event decodes them
once, to the type that it needs.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

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

MAX_ATTACHMENTS = 10
"""Attachments of one packet; the default of the reference."""

MAX_ATTACHMENT_BYTES = 4_000_000
"""Total bytes of one packet's attachments: the memory that an incomplete packet can occupy."""

MAX_NAMESPACE = 256
"""Characters of a namespace, which is stored per connection and echoed in errors."""

_HEADER: Final = re.compile(r"([0-6])(?:([0-9]{1,3})-)?(?:(/[^,]*)(?:,|\Z))?([0-9]{0,16})")
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NAME: Final = msgspec.json.Decoder(str | int)
_ABSENT: Final = msgspec.Raw(b"")

_MAX_PLAIN_DIGITS: Final = 15  # fewer digits than MAX_ACK_ID has


class _PlainEvent(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    name: str
    first: msgspec.Raw = _ABSENT
    second: msgspec.Raw = _ABSENT


_PLAIN_EVENT: Final = msgspec.json.Decoder(_PlainEvent)


class _ErrorBody(msgspec.Struct):
    message: str = ""
    data: msgspec.Raw = _ABSENT


_ERROR_BODY: Final = msgspec.json.Decoder(_ErrorBody | str)


@dataclass(eq=False, repr=False, slots=True)
class IncompletePacket:
    """A binary packet that waits for its attachments."""

    _packet: Event | Ack
    _count: int
    _bytes_left: int
    _attachments: list[bytes] = field(default_factory=list[bytes])

    @property
    def namespace(self) -> str:
        """The namespace of the packet."""
        return self._packet.namespace

    def receive_attachment(self, data: bytes) -> Event | Ack | None:
        """Add an attachment, and return the packet if it is complete.

        Raises:
            RemoteProtocolError: the attachments exceed their limit in total.
        """
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            raise RemoteProtocolError("the attachments of a packet are too large")
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
    """Decode a text message to a packet, or to one that waits for its attachments.

    Raises:
        RemoteProtocolError: the message is not a valid packet.
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
        raise RemoteProtocolError(f"the namespace has more than {MAX_NAMESPACE} characters")
    if (count is None) == (kind in _BINARY):
        raise RemoteProtocolError("only binary packets have an attachment count, and need one")
    packet = _decode_payload(kind, namespace, _ack_id(number), text[header.end() :])
    if count is not None and isinstance(packet, Event | Ack):
        return _await_attachments(packet, int(count), max_attachments, max_attachment_bytes)
    return packet


def _decode_payload(kind: str, namespace: str, ack_id: int | None, payload: str) -> Packet:
    try:
        return _DECODERS[kind](namespace, ack_id, payload)
    except (ValueError, RecursionError) as error:
        repaired = replace_lone_surrogates(payload)
        if repaired != payload:
            return _decode_payload(kind, namespace, ack_id, repaired)
        raise RemoteProtocolError(f"invalid payload: {error}") from error


def decode_plain_event(text: str, start: int) -> Event | None:
    """Decode a valid event of the main namespace with at most two arguments: the fast path.

    Args:
        text: a message.
        start: the index of the packet, which must have the type of an event.

    Returns:
        The event, or None if the message must be passed to `decode_packet`.
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
        raise RemoteProtocolError(f"{count} attachments, but 1 to {max_attachments} are allowed")
    check_placeholders(packet.args, count)
    return IncompletePacket(packet, count, max_bytes)


def _ack_id(digits: str) -> int | None:
    if not digits:
        return None
    number = int(digits)
    if number > MAX_ACK_ID:
        raise RemoteProtocolError("the acknowledgement id exceeds 2**53 - 1")
    return number


def _decode_connect(namespace: str, ack_id: int | None, payload: str) -> Connect:
    if not payload:
        return Connect(namespace)
    _OBJECT.decode(payload)
    return Connect(namespace, msgspec.Raw(payload))


def _decode_disconnect(namespace: str, ack_id: int | None, payload: str) -> Disconnect:
    if payload:
        raise RemoteProtocolError("DISCONNECT must not have a payload")
    return Disconnect(namespace)


def _decode_event(namespace: str, ack_id: int | None, payload: str) -> Event:
    items = _ARRAY.decode(payload)
    if not items:
        raise RemoteProtocolError("the event has no name")
    name = str(_NAME.decode(items[0]))
    if name in RESERVED_EVENTS:
        raise RemoteProtocolError(f"the event name {name!r} is reserved")
    return Event(namespace, name, tuple(items[1:]), (), ack_id)


def _decode_ack(namespace: str, ack_id: int | None, payload: str) -> Ack:
    if ack_id is None:
        raise RemoteProtocolError("the acknowledgement has no id")
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
