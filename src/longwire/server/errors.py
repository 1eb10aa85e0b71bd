"""What a client is told of an error, and what only the server's log says."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from longwire.clock import clock
from longwire.errors import BrokerUnavailable, InvalidEvent
from longwire.wire import Fault

if TYPE_CHECKING:
    from longwire.errors import LongwireError

logger = logging.getLogger("longwire.server")

UNAVAILABLE: Final = "the log cannot be reached now; try again after a while"


def message_of(error: LongwireError) -> str:
    """Return an error's message for a client.

    Why the logs cannot be reached names hosts and files, which are the operator's business.
    """
    if not isinstance(error, BrokerUnavailable):
        return str(error)
    report(error)
    return UNAVAILABLE


def fault_of(error: LongwireError) -> Fault:
    """Return what a client is told of an error."""
    path = error.path if isinstance(error, InvalidEvent) else None
    return Fault(code=error.code, message=message_of(error), path=path)


def report(error: BrokerUnavailable) -> None:
    """Log why clients are refused: once a second, however many are."""
    _log(str(error), int(clock.monotonic()))


@lru_cache(maxsize=16)
def _log(reason: str, second: int) -> None:
    logger.warning("clients are told broker_unavailable: %s", reason)
