"""What acknowledgements say: values, and refusals as exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from longwire.client.payloads import Answer, Fault, RoomAnswer, read_first
from longwire.errors import (
    BrokerUnavailable,
    CallRefused,
    IdempotencyConflict,
    InvalidEvent,
    InvalidId,
    InvalidRoom,
    LongwireError,
    PublishDenied,
    RoomDenied,
    UnknownEvent,
)
from longwire.types import Position

if TYPE_CHECKING:
    from longwire.connection import AckReceived


class PublishRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """The argument of the event `publish`."""

    event: str
    data: msgspec.Raw
    room: str | None = None
    id: str | None = None
    volatile: bool = False


def read_published(ack: AckReceived, request: PublishRequest) -> Position:
    """Read the answer to a publication.

    Raises:
        LongwireError: the server's refusal, as what it is.
    """
    answer = read_first(ack.values(), RoomAnswer)
    if not answer.ok:
        raise _publish_error(answer.error, request)
    return Position(answer.epoch, answer.offset)


def read_answer(ack: AckReceived, kind: type[Any] | None) -> Any:
    """Return an acknowledgement's value: None, the only one, or a tuple of several.

    Args:
        ack: the acknowledgement.
        kind: the type that it must have.

    Raises:
        CallRefused: it is a refusal, and that type has no place for one.
        InvalidEvent: it does not have that type.
    """
    values: list[Any] = ack.values()
    if kind is None:
        return values[0] if len(values) == 1 else tuple(values) or None
    try:
        return msgspec.convert(values[0] if values else None, kind)
    except msgspec.ValidationError as error:
        answer = read_first(values, Answer)
        if not answer.ok:
            raise CallRefused(answer.error.message, answer.error.code) from None
        raise InvalidEvent("ack", "$", str(error)) from None


def room_error(fault: Fault, room: str) -> LongwireError:
    """Return a refusal that concerns a room, as what it is."""
    match fault.code:
        case RoomDenied.code:
            return RoomDenied(room)
        case InvalidRoom.code:
            return InvalidRoom(room, fault.message)
        case BrokerUnavailable.code:
            return BrokerUnavailable(fault.message)
        case _:
            return CallRefused(fault.message, fault.code)


def _publish_error(fault: Fault, request: PublishRequest) -> LongwireError:
    room = request.room or ""
    match fault.code:
        case InvalidEvent.code:
            return InvalidEvent(request.event, fault.path, fault.message)
        case UnknownEvent.code:
            return UnknownEvent(request.event)
        case InvalidId.code:
            return InvalidId(fault.message)
        case PublishDenied.code:
            return PublishDenied()
        case IdempotencyConflict.code:
            return IdempotencyConflict(room, request.id or "")
        case _:
            return room_error(fault, room)
