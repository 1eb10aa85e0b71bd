"""The registration of a consumer: its events, its handler, and how failures are retried."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Literal, TypeVar

import msgspec

from longwire.callables import awaiting
from longwire.errors import ConfigurationError, UnknownEvent
from longwire.schema import Contract
from longwire.server.consumers.delivery import Delivery

M = TypeVar("M")

ConsumerHandler = Callable[[M, Delivery], Awaitable[None] | None]
"""Handles an event. It has handled the event when it returns; if it raises, it is called again."""

Start = Literal["now", "beginning"]

ATTEMPTS: Final = 6
"""Calls of the handler before an event is parked. With a backoff of one second, the last one is 31
seconds after the first: longer than a database needs to restart."""
BACKOFF: Final = 1.0
MAX_BACKOFF: Final = 60.0
"""Seconds between two attempts at most."""
TIMEOUT: Final = 60.0
"""Seconds that the handler may take: a handler that hangs would hold its room for ever."""
CONCURRENCY: Final = 16
"""Rooms whose events are handled at the same time on one node: hides the latency of a database
without using up its connections."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,49}")


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """A consumer as the application declared it; see `Server.consumer`.

    Attributes:
        decoders: for each wire name, the function that decodes its payloads.
        wants_text: whether one of the events is streamed text, which is most of a long log.
    """

    name: str
    decoders: dict[str, Callable[[bytes | msgspec.Raw], object]]
    wants_text: bool
    handler: Callable[[Any, Delivery], Awaitable[None]]
    start: Start
    attempts: int
    backoff: float
    timeout: float | None
    concurrency: int

    def delay(self, failures: int) -> float:
        """Return the seconds to wait after a number of failures: doubled each time."""
        return min(self.backoff * 2.0 ** min(failures - 1, 30), MAX_BACKOFF)


def register(
    contract: Contract,
    name: str,
    events: Sequence[type],
    handler: ConsumerHandler[Any],
    *,
    start: Start,
    attempts: int,
    backoff: float,
    timeout: float | None,
    concurrency: int,
) -> Registration:
    """Return a valid registration.

    Raises:
        ConfigurationError: an argument is not valid, or the contract lacks an event.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            "the name of a consumer has 1 to 50 letters, digits and _.- and starts with a letter "
            f"or digit, got {name[:60]!r}"
        )
    if not events:
        raise ConfigurationError(
            f"consumer {name!r} has no events: pass their types after the name"
        )
    if start not in ("now", "beginning"):
        raise ConfigurationError(f"start must be 'now' or 'beginning', got {start!r}")
    for option, value in (("attempts", attempts), ("concurrency", concurrency)):
        if value < 1:
            raise ConfigurationError(f"{option} must be >= 1, got {value}")
    for option, seconds in (("backoff", backoff), ("timeout", timeout)):
        if seconds is not None and not seconds > 0:
            raise ConfigurationError(f"{option} must be > 0 seconds, got {seconds}")
    names = [_name_of(contract, name, event) for event in events]
    texts = [contract.declaration(event).text_field for event in names]
    return Registration(
        name=name,
        decoders={event: contract.decoder(event) for event in names},
        wants_text=any(field is not None for field in texts),
        handler=awaiting(handler),
        start=start,
        attempts=attempts,
        backoff=backoff,
        timeout=timeout,
        concurrency=concurrency,
    )


def _name_of(contract: Contract, consumer: str, event: type) -> str:
    try:
        return contract.name_of(event)
    except UnknownEvent:
        raise ConfigurationError(
            f"consumer {consumer!r}: {getattr(event, '__name__', event)} is not in the server's "
            "contract: pass Server(contract=CATALOG | Contract([…])) with it"
        ) from None
