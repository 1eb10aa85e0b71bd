"""Whether a server can serve clients now, for load balancers and orchestrators."""

from __future__ import annotations

import asyncio
from typing import Final, Literal

import msgspec

from longwire.broker import Broker
from longwire.errors import BrokerUnavailable

# Seconds within which the broker must answer. Kubernetes gives a probe one second by default.
CHECK_TIMEOUT: Final = 0.8

NotReadyReason = Literal["starting", "draining", "stopped", "broker_unavailable"]

_DETAILS: Final[dict[NotReadyReason, str]] = {
    "starting": "The server is starting: it waits for its event log.",
    "draining": "The server is stopping: it moves its clients to other servers.",
    "stopped": "The server has stopped.",
    "broker_unavailable": "The event log does not answer; the server's log has the reason.",
}


class Readiness(msgspec.Struct, frozen=True):
    """Whether a server should receive new clients and requests.

    Attributes:
        reason: why it should not; None if it should.
    """

    reason: NotReadyReason | None = None

    @property
    def is_ready(self) -> bool:
        """Whether the server can serve clients."""
        return self.reason is None

    @property
    def detail(self) -> str:
        """One sentence for a person; names no address."""
        return "The server is ready." if self.reason is None else _DETAILS[self.reason]


READY: Final = Readiness()


class BrokerCheck:
    """Asks the broker whether it answers. Concurrent callers share one question."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._running: asyncio.Task[str | None] | None = None

    async def run(self) -> str | None:
        """Return None if the broker answers in time, otherwise the reason."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._ask(), name="longwire readiness")
        return await asyncio.shield(self._running)

    async def _ask(self) -> str | None:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT):
                await self._broker.check()
        except BrokerUnavailable as error:
            return str(error)
        except TimeoutError:
            return f"the broker did not answer within {CHECK_TIMEOUT:g} s"
        return None
