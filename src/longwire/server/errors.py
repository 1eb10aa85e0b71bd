"""The server's own errors, and errors as they are sent to clients."""

import logging
import re
from functools import lru_cache
from typing import Final

import msgspec
from msgspec.structs import replace

from longwire.clock import clock
from longwire.errors import (
    BrokerUnavailable,
    ConfigurationError,
    Conflict,
    InvalidEvent,
    LongwireError,
    StaleAttempt,
)
from longwire.wire import Fault

logger = logging.getLogger("longwire.server")

_UNKNOWN_MEMBER: Final = re.compile(r"Object contains unknown field `(.*?)`(?: - at `(.*)`)?")

UNAVAILABLE: Final = "The event log is temporarily unavailable; retry later."


class TooManySessions(LongwireError):
    """An address has too many sessions, or too many sessions have not signed in yet."""

    code = "too_many_sessions"


class TooManyRooms(LongwireError):
    """A client is in as many rooms as `Limits.rooms_per_socket` allows."""

    code = "too_many_rooms"


class TooManyRevocations(LongwireError):
    """There are as many revocations as `Limits.revocations` allows."""

    code = "too_many_revocations"


class UnknownParkedEvent(LongwireError):
    """A consumer has no parked event with this id: it was handled or discarded."""

    code = "unknown_parked_event"


class InvalidPosition(LongwireError):
    """A position is neither `"now"` nor `{"epoch", "offset"}`."""

    code = "invalid_position"


class UnknownMember(LongwireError):
    """A request has a member that the server does not know, such as a mistyped `id`.

    Attributes:
        path: the JSON path of the member.
    """

    code = "invalid_request"

    def __init__(self, path: str) -> None:
        super().__init__(f"the request has the unknown member {path}")
        self.path = path


class UnknownJob(LongwireError):
    """The job's room has no log."""

    code = "unknown_job"


class ServerStopped(ConfigurationError):
    """The server is stopping, or was closed; it serves again once it is started again."""

    code = "server_stopped"

    def __init__(self) -> None:
        super().__init__("the server is closed; start it again first")


class InternalError(LongwireError):
    """Application code failed; its exception is in the server's log."""

    code = "internal_error"


def fault_of(error: LongwireError) -> Fault:
    """Return an error as it is sent to clients."""
    fault = Fault(code=error.code, message=message_of(error))
    match error:
        case InvalidEvent() | UnknownMember():
            return replace(fault, path=error.path)
        case StaleAttempt():
            return replace(fault, attempt=error.attempt)
        case Conflict():
            return replace(fault, position=error.position, value=error.value)
        case _:
            return fault


def find_unknown_member(error: msgspec.ValidationError) -> UnknownMember | None:
    """Return the error for a request that msgspec rejected because of an unknown member."""
    found = _UNKNOWN_MEMBER.fullmatch(str(error))
    return None if found is None else UnknownMember(f"{found[2] or '$'}.{found[1]}")


def message_of(error: LongwireError) -> str:
    """Return an error's message for clients.

    The message of `BrokerUnavailable` names hosts and files, so it is only logged.
    """
    if not isinstance(error, BrokerUnavailable):
        return str(error)
    report(error)
    return UNAVAILABLE


def report(error: BrokerUnavailable) -> None:
    """Log why requests are rejected, at most once per second and reason."""
    _log(str(error), int(clock.monotonic()))


@lru_cache(maxsize=16)
def _log(reason: str, second: int) -> None:
    logger.warning("rejecting requests with broker_unavailable: %s", reason)
