"""The payloads of the wire's own events and answers. What does not fit counts as absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

_T = TypeVar("_T")


class Credentials(msgspec.Struct, frozen=True, omit_defaults=True):
    """The payload of CONNECT."""

    token: str | None = None
    positions: bool = False
    contract: str | None = None


class Refusal(msgspec.Struct, frozen=True):
    """The `data` of CONNECT_ERROR."""

    code: str = "refused"


class Authenticated(msgspec.Struct, frozen=True, rename="camel"):
    """The event `authenticated`: who one is, and the rooms that sign-in granted.

    Attributes:
        user_id: who.
        rooms: the rooms.
        contract: the fingerprint of the server's contract, where it is another than the client's.
    """

    user_id: str = ""
    rooms: tuple[str, ...] = ()
    contract: str | None = None


class Advice(msgspec.Struct, frozen=True, rename="camel"):
    """The event `closing`: what the server says before it ends the connection."""

    reason: str = ""
    message: str = ""
    reconnect: bool = True
    retry_after: float = 0.0


class Pong(msgspec.Struct, frozen=True):
    """The event `pong`: the server's clock, in milliseconds."""

    timestamp: float | None = None


class Fault(msgspec.Struct, frozen=True):
    """What is wrong, in the server's words."""

    code: str = "refused"
    message: str = ""
    path: str = "$"


class Answer(msgspec.Struct, frozen=True):
    """What is common to all answers that may say no."""

    ok: bool = True
    error: Fault = Fault()


class RoomAnswer(msgspec.Struct, frozen=True):
    """The answers to `join_room` and `publish`, and the events `room_error` and `room_reset`."""

    ok: bool = True
    room: str | None = None
    epoch: str = ""
    offset: int = 0
    recovered: bool = False
    error: Fault = Fault()


def read(value: object, kind: type[_T]) -> _T:
    """Read a payload; one that does not fit is read as an empty one."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return kind()


def read_first(values: Sequence[object], kind: type[_T]) -> _T:
    """Read the first of an event's arguments."""
    return read(values[0] if values else None, kind)
