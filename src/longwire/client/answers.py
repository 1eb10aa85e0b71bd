"""Reads messages of the server: their values, and rejections as exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

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
from longwire.wire import Ack, Fault, PublishAck, PublishRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from longwire.connection import AckReceived

_T = TypeVar("_T")


def read_first(values: Sequence[object], kind: type[_T]) -> _T:
    """Read the first argument of an event; one that does not fit is read as an empty message."""
    try:
        return msgspec.convert(values[0] if values else None, kind)
    except msgspec.ValidationError:
        return kind()


def read_rejection(values: Sequence[object]) -> Fault | None:
    """Return why an acknowledgement rejects the request; None if it does not."""
    answer = read_first(values, Ack)
    return None if answer.ok else answer.error or Fault()


def read_published(ack: AckReceived, request: PublishRequest) -> Position:
    """Read the answer to a publication.

    Raises:
        LongwireError: the server's refusal, as what it is.
    """
    values = ack.values()
    fault = read_rejection(values)
    if fault is not None:
        raise _publish_error(fault, request)
    answer = read_first(values, PublishAck)
    return Position(answer.epoch or "", answer.offset or 0)


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
        fault = read_rejection(values)
        if fault is not None:
            raise CallRefused(fault.message, fault.code) from None
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
            return InvalidEvent(request.event, fault.path or "$", fault.message)
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
