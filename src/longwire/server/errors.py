"""What a client is told of an error, and what only the server's log says."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from longwire.clock import clock
from longwire.errors import BrokerUnavailable

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


def report(error: BrokerUnavailable) -> None:
    """Log why clients are refused: once a second, however many are."""
    _log(str(error), int(clock.monotonic()))


@lru_cache(maxsize=16)
def _log(reason: str, second: int) -> None:
    logger.warning("clients are told broker_unavailable: %s", reason)
