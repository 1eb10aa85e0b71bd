"""Reads the server's messages and acknowledgements; turns rejections into exceptions."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from longwire.connection.events import AckReceived
from longwire.errors import (
    BrokerUnavailable,
    CallRefused,
    ConditionFailed,
    ConfigurationError,
    Conflict,
    IdempotencyConflict,
    InvalidEvent,
    InvalidId,
    InvalidRoom,
    JobEnded,
    LongwireError,
    PublishDenied,
    RoomDenied,
    StaleAttempt,
    UnknownEvent,
)
from longwire.types import Position
from longwire.wire import Ack, Fault, PublishAck, PublishRequest, ValueAck

_T = TypeVar("_T")

_decode_publish_ack = msgspec.json.Decoder(PublishAck).decode


def read_first(values: Sequence[object], kind: type[_T]) -> _T:
    """Read the first argument of an event; an invalid one is read as an empty message."""
    try:
        return msgspec.convert(values[0] if values else None, kind)
    except msgspec.ValidationError:
        return kind()


def read_rejection(values: Sequence[object]) -> Fault | None:
    """Return why an acknowledgement rejects the request; None if it does not."""
    answer = read_first(values, Ack)
    return None if answer.ok else answer.error or Fault()


def read_position(ack: AckReceived, request: PublishRequest) -> Position:
    """Return the position of a publication.

    Raises:
        LongwireError: The server rejected it; the class depends on the error code.
    """
    answer = _read_published(ack, request)
    return Position(answer.epoch or "", answer.offset or 0)


def read_attempt(ack: AckReceived, request: PublishRequest) -> int:
    """Return the attempt of a job that a publication began; raises as `read_position`."""
    return _read_published(ack, request).attempt or 1


def read_value(ack: AckReceived, event: str, room: str) -> tuple[Position, bytes] | None:
    """Return position and payload of a value that was read; None if there is none.

    Raises:
        LongwireError: The server refused it; the class depends on the error code.
    """
    answer = read_first(ack.values(), ValueAck)
    if not answer.ok:
        fault = answer.error or Fault()
        if fault.code == InvalidEvent.code:
            raise InvalidEvent(event, fault.path or "$", fault.message)
        raise UnknownEvent(event) if fault.code == UnknownEvent.code else room_error(fault, room)
    if answer.epoch is None or answer.offset is None:
        return None
    return Position(answer.epoch, answer.offset), msgspec.json.encode(answer.value)


def _read_published(ack: AckReceived, request: PublishRequest) -> PublishAck:
    answer = _read_publish_ack(ack)
    if answer.ok:
        return answer
    error = _publish_error(answer.error or Fault(), request)
    if isinstance(error, ConditionFailed):
        error.room = answer.room
    raise error


def read_answer(ack: AckReceived, kind: type[Any] | None) -> Any:
    """Return an acknowledgement's value: None, the only one, or a tuple of several.

    Args:
        ack: The acknowledgement.
        kind: The type that the event declares for it; None for any value.

    Raises:
        CallRefused: It reports an error, and its type cannot express that.
        InvalidEvent: It does not have its type.
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
    """Return the exception for an error that concerns a room."""
    match fault.code:
        case RoomDenied.code:
            return RoomDenied(room)
        case InvalidRoom.code:
            return InvalidRoom(room, fault.message)
        case BrokerUnavailable.code:
            return BrokerUnavailable(fault.message)
        case _:
            return CallRefused(fault.message, fault.code)


def _read_publish_ack(ack: AckReceived) -> PublishAck:
    # Decoded from JSON to its type in one step: a client may publish thousands per second.
    try:
        return _decode_publish_ack(ack.args[0]) if ack.args else PublishAck()
    except (ValueError, RecursionError):
        return PublishAck()


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
            return PublishDenied(fault.message) if fault.message else PublishDenied()
        case StaleAttempt.code:
            return StaleAttempt(fault.attempt or 0)
        case JobEnded.code:
            return JobEnded(fault.message)
        case Conflict.code:
            return Conflict(fault.position, fault.value)
        case ConfigurationError.code:
            return ConfigurationError(fault.message)
        case IdempotencyConflict.code:
            return IdempotencyConflict(room, request.id or "")
        case _:
            return room_error(fault, room)
