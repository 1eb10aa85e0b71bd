"""The last 15 minutes of a node, for charts: the only thing that the admin interface keeps."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from longwire.admin.views import Sample
from longwire.background import BackgroundTasks
from longwire.clock import clock
from longwire.errors import BrokerUnavailable
from longwire.server import Server

INTERVAL: Final = 5.0
"""Seconds between two samples."""

SAMPLES: Final = 180
"""Samples that are kept: 15 minutes, some 40 kB."""

# A room that has no log: reading its end costs the broker a look at a missing key.
_PROBE: Final = "control probe"


class History:
    """Takes a sample of a node every few seconds.

    Args:
        server: the node.

    Attributes:
        broker_delay: seconds that the broker took to answer; None before the first answer.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._samples: deque[Sample] = deque(maxlen=SAMPLES)
        self._timer: asyncio.TimerHandle | None = None
        self._tasks = BackgroundTasks()
        self.broker_delay: float | None = None

    @property
    def samples(self) -> list[Sample]:
        """The samples, oldest first."""
        return list(self._samples)

    @property
    def loop_delay(self) -> float:
        """Seconds by which the event loop was late at the newest sample."""
        return self._samples[-1].loop_delay if self._samples else 0.0

    def start(self) -> None:
        """Take samples from now on."""
        if self._timer is None:
            self._take(asyncio.get_running_loop().time())

    async def close(self) -> None:
        """Take no more samples; those that were taken stay."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._tasks.cancel()
        await self._tasks.wait(return_exceptions=True)

    def sample(self, loop_delay: float) -> Sample:
        """Return what the node has done up to now."""
        statistics = self._server.statistics
        return Sample(
            at=int(clock.time() * 1000),
            connections=len(self._server.sockets),
            rooms=len(self._server.hub.rooms),
            published=statistics.published.total(),
            deliveries=statistics.deliveries,
            resumes=statistics.resumes,
            resets=statistics.resets,
            loop_delay=loop_delay,
        )

    def _take(self, due: float) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._samples.append(self.sample(round(max(0.0, now - due), 6)))
        if self._server.broker.is_shared and not self._tasks:
            self._tasks.start(self._measure_broker())
        due = now + INTERVAL
        self._timer = loop.call_at(due, self._take, due)

    async def _measure_broker(self) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        try:
            await self._server.broker.position(_PROBE)
        except BrokerUnavailable:
            self.broker_delay = None
        else:
            self.broker_delay = round(loop.time() - start, 6)
