"""The server's own errors, and errors as they are sent to clients."""

import logging
from functools import lru_cache
from typing import Final

from longwire.clock import clock
from longwire.errors import BrokerUnavailable, InvalidEvent, LongwireError, StaleAttempt
from longwire.wire import Fault

logger = logging.getLogger("longwire.server")

UNAVAILABLE: Final = "The event log is temporarily unavailable; retry later."


class TooManySessions(LongwireError):
    """An address has too many sessions, or too many sessions have not signed in yet."""

    code = "too_many_sessions"


class TooManyRooms(LongwireError):
    """A client is in as many rooms as `Limits.rooms_per_socket` allows."""

    code = "too_many_rooms"


class InvalidPosition(LongwireError):
    """A position is neither `"now"` nor `{"epoch", "offset"}`."""

    code = "invalid_position"


class UnknownJob(LongwireError):
    """The job's room has no log."""

    code = "unknown_job"


class InternalError(LongwireError):
    """Application code failed; its exception is in the server's log."""

    code = "internal_error"


def fault_of(error: LongwireError) -> Fault:
    """Return an error as it is sent to clients."""
    path = error.path if isinstance(error, InvalidEvent) else None
    attempt = error.attempt if isinstance(error, StaleAttempt) else None
    return Fault(code=error.code, message=message_of(error), path=path, attempt=attempt)


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
