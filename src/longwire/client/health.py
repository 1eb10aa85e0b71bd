"""How well the connection does: round trips, the server's clock, drops and returns.

Nothing here decides whether a connection is alive; Engine.IO's heartbeat does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from longwire.client.answers import read_first
from longwire.client.callbacks import Observers
from longwire.clock import clock
from longwire.errors import NotConnected
from longwire.wire import Pong

if TYPE_CHECKING:
    from collections.abc import Callable

# A round trip is measured this often; the percentiles cover the last SAMPLES of them.
INTERVAL = 25.0
SAMPLES = 100


class HealthSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A client's health at one moment; durations in seconds, None before the first measurement.

    Attributes:
        round_trip: the newest round trip.
        round_trip_p50: the median of the last hundred.
        round_trip_p99: their 99th percentile.
        clock_offset: the server's clock minus this one.
        uptime: how long the present connection has lasted; None without one.
        drops: connections that ended without being asked to.
        reconnects: times that it came back.
        rooms_resumed: rooms that went on exactly where they had been.
        rooms_reset: rooms whose log had to be read from its beginning.
        events_received: events that came.
        events_invalid: events whose payload did not fit.
        events_dropped: events without a position that a full queue could not take.
        handler_failures: exceptions of handlers.
        given_up: events that were never sent; their callers were told.
        other_contract: the fingerprint of the server's contract, if it is another than this
            client's; None if it is the same, or unknown. Events that both declare alike are as
            good as ever; others may be refused, dropped as invalid, or come as plain values.
    """

    round_trip: float | None = None
    round_trip_p50: float | None = None
    round_trip_p99: float | None = None
    clock_offset: float | None = None
    uptime: float | None = None
    drops: int = 0
    reconnects: int = 0
    rooms_resumed: int = 0
    rooms_reset: int = 0
    events_received: int = 0
    events_invalid: int = 0
    events_dropped: int = 0
    handler_failures: int = 0
    given_up: int = 0
    other_contract: str | None = None


class Health:
    """Measures round trips while connected, and counts.

    Args:
        send_ping: sends `ping` if the server answers it.
    """

    __slots__ = (
        "_clock_offset",
        "_connected_at",
        "_observers",
        "_pinged_at",
        "_samples",
        "_send_ping",
        "_timer",
        "_waiters",
        "drops",
        "reconnects",
    )

    def __init__(self, send_ping: Callable[[], bool]) -> None:
        self._send_ping = send_ping
        self._observers: Observers[float] = Observers()
        self._samples: deque[float] = deque(maxlen=SAMPLES)
        self._waiters: list[asyncio.Future[float]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._pinged_at: float | None = None
        self._connected_at: float | None = None
        self._clock_offset: float | None = None
        self.drops = 0
        self.reconnects = 0

    def subscribe(self, listener: Callable[[float], object]) -> Callable[[], None]:
        """Call `listener` with every round trip; return the undo."""
        return self._observers.add(listener)

    def snapshot(self) -> HealthSnapshot:
        """What is known here; the client adds the counts of its other parts."""
        ordered = sorted(self._samples)
        connected = self._connected_at
        return HealthSnapshot(
            round_trip=self._samples[-1] if ordered else None,
            round_trip_p50=ordered[len(ordered) // 2] if ordered else None,
            round_trip_p99=ordered[len(ordered) * 99 // 100] if ordered else None,
            clock_offset=self._clock_offset,
            uptime=None if connected is None else _now() - connected,
            drops=self.drops,
            reconnects=self.reconnects,
        )

    def ping(self) -> asyncio.Future[float]:
        """Measure now; the future ends with the round trip, or with `NotConnected`."""
        waiter: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._ping()
        return waiter

    def receive_pong(self, values: list[object]) -> None:
        """Take the server's answer."""
        if self._pinged_at is None:
            return
        round_trip = _now() - self._pinged_at
        self._pinged_at = None
        self._samples.append(round_trip)
        timestamp = read_first(values, Pong).timestamp
        if timestamp:  # missing from the answer of a stock Socket.IO server
            self._clock_offset = timestamp / 1000 + round_trip / 2 - clock.time()
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(round_trip)
        self._observers.notify(round_trip)

    def receive_connected(self, returned: bool) -> None:
        """A connection is ready."""
        self.reconnects += returned
        self._connected_at = _now()
        self._tick()

    def receive_dropped(self, *, unasked: bool) -> None:
        """The connection is gone."""
        self.drops += unasked
        self._connected_at = self._pinged_at = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_exception(NotConnected("the connection ended before the pong"))

    def _tick(self) -> None:
        self._ping()
        self._timer = asyncio.get_running_loop().call_later(INTERVAL, self._tick)

    def _ping(self) -> None:
        # One at a time: a pong says not which ping it answers.
        if self._pinged_at is None and self._send_ping():
            self._pinged_at = _now()


def _now() -> float:
    return asyncio.get_running_loop().time()
