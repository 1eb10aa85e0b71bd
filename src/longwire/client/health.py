"""The health of a connection: round trips, the server's clock, drops and reconnects.

These measurements do not decide whether a connection is alive; Engine.IO's heartbeat does.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection

import msgspec

from longwire.client.answers import read_first
from longwire.client.callbacks import Observers
from longwire.client.quality import (
    ConnectionQuality,
    Measurements,
    QualityMeter,
    classify,
    jitter_of,
)
from longwire.clock import clock
from longwire.engineio.state import Transport
from longwire.errors import NotConnected
from longwire.wire import Pong

# Seconds between two measurements of the round trip.
INTERVAL = 25.0

# Number of measurements that the percentiles cover.
SAMPLES = 100


class HealthSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The health of a client at one moment. Durations are in seconds.

    Attributes:
        round_trip: The newest round trip; None before the first measurement.
        round_trip_p50: Median of the last hundred round trips.
        round_trip_p99: Their 99th percentile.
        jitter: Mean difference between successive round trips, of the newest ten.
        missed_heartbeats: Number of measurements that were not answered before the next was due.
        quality: The connection in one word. It becomes worse at once, and better after ten
            seconds.
        transport: The transport of the present connection; None without one.
        clock_offset: The server's clock minus the client's.
        uptime: How long the present connection has lasted; None without one.
        drops: Number of connections that were lost.
        reconnects: Number of connections that followed a lost one.
        recovery_p50: Median time from a loss to the next connection, of the last hundred.
        recovery_p99: Their 99th percentile.
        rooms_resumed: Number of times that a room continued at its position.
        rooms_reset: Number of times that a room's log had to be read again from its beginning.
        events_received: Number of events received.
        events_invalid: Number of events whose payload did not match their type.
        events_dropped: Number of events without a position dropped because a queue was full.
        handler_failures: Number of exceptions that handlers raised.
        given_up: Number of events that were never sent; their callers received an error.
        unsent: Number of events that wait to be sent or confirmed now.
        subscriptions: Number of handlers and iterators now.
        rooms: Number of rooms that are held now.
        tracked_jobs: Number of jobs that are tracked now.
        other_contract: Fingerprint of the server's contract, if it differs from the client's; None
            if it is the same or unknown. Events that both declare in the same way work; others may
            be rejected, dropped as invalid, or arrive as plain values.
    """

    round_trip: float | None = None
    round_trip_p50: float | None = None
    round_trip_p99: float | None = None
    jitter: float | None = None
    missed_heartbeats: int = 0
    quality: ConnectionQuality = ConnectionQuality.LOST
    transport: Transport | None = None
    clock_offset: float | None = None
    uptime: float | None = None
    drops: int = 0
    reconnects: int = 0
    recovery_p50: float | None = None
    recovery_p99: float | None = None
    rooms_resumed: int = 0
    rooms_reset: int = 0
    events_received: int = 0
    events_invalid: int = 0
    events_dropped: int = 0
    handler_failures: int = 0
    given_up: int = 0
    unsent: int = 0
    subscriptions: int = 0
    rooms: int = 0
    tracked_jobs: int = 0
    other_contract: str | None = None

    @property
    def recovered_ratio(self) -> float | None:
        """Which part of the resumed rooms continued at their position; None without any."""
        total = self.rooms_resumed + self.rooms_reset
        return self.rooms_resumed / total if total else None


class Health:
    """Measures round trips while connected, and counts drops and reconnects.

    Args:
        send_ping: Sends the event `ping`; returns False if the server would not answer it.

    Attributes:
        drops: Number of connections that were lost.
        reconnects: Number of connections that followed a lost one.
        missed: Number of pings that were not answered before the next was due.
    """

    def __init__(self, send_ping: Callable[[], bool]) -> None:
        self._send_ping = send_ping
        self._observers: Observers[float] = Observers()
        self._samples: deque[float] = deque(maxlen=SAMPLES)
        self._waiters: list[asyncio.Future[float]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._pinged_at: float | None = None
        self._connected_at: float | None = None
        self._clock_offset: float | None = None
        self._recoveries: deque[float] = deque(maxlen=SAMPLES)
        self._dropped_at: float | None = None
        self._reconnected_at: float | None = None
        self._missed_in_a_row = 0
        self._meter = QualityMeter()
        self.drops = 0
        self.reconnects = 0
        self.missed = 0

    def subscribe(self, listener: Callable[[float], object]) -> Callable[[], None]:
        """Call `listener` with every round trip.

        Returns:
            A function that unsubscribes.
        """
        return self._observers.add(listener)

    def snapshot(self) -> HealthSnapshot:
        """Return the measurements; the client adds the counts of its other parts."""
        connected = self._connected_at
        samples = list(self._samples)
        return HealthSnapshot(
            round_trip=samples[-1] if samples else None,
            round_trip_p50=_percentile(samples, 50),
            round_trip_p99=_percentile(samples, 99),
            jitter=jitter_of(samples),
            missed_heartbeats=self.missed,
            quality=self._update_quality(),
            clock_offset=self._clock_offset,
            uptime=None if connected is None else _now() - connected,
            drops=self.drops,
            reconnects=self.reconnects,
            recovery_p50=_percentile(self._recoveries, 50),
            recovery_p99=_percentile(self._recoveries, 99),
        )

    def ping(self) -> asyncio.Future[float]:
        """Measure the round trip now.

        Returns:
            The round trip in seconds, or `NotConnected` if the connection ends first.
        """
        waiter: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._ping()
        return waiter

    def receive_pong(self, values: list[object]) -> None:
        """Handle the server's answer to a ping."""
        if self._pinged_at is None:
            return
        round_trip = _now() - self._pinged_at
        self._pinged_at = None
        self._missed_in_a_row = 0
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
        """Start measuring over a new connection.

        Args:
            returned: Whether it follows a lost one.
        """
        self.reconnects += returned
        now = self._connected_at = _now()
        if returned:
            self._reconnected_at = now
            if self._dropped_at is not None:
                self._recoveries.append(now - self._dropped_at)
        self._dropped_at = None
        self._update_quality()
        self._tick()

    def receive_dropped(self, *, unasked: bool) -> None:
        """Stop measuring, because the connection has ended.

        Args:
            unasked: Whether the connection was lost, and not closed by the client.
        """
        self.drops += unasked
        self._dropped_at = _now() if unasked else None
        self._connected_at = self._pinged_at = None
        self._missed_in_a_row = 0
        self._update_quality()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_exception(NotConnected("the connection ended before the pong"))

    def _update_quality(self) -> ConnectionQuality:
        if self._connected_at is None:  # also without a running event loop, before the first start
            return self._meter.update(ConnectionQuality.LOST, 0.0)
        now = _now()
        samples = list(self._samples)
        measured = Measurements(
            is_connected=True,
            round_trip=samples[-1] if samples else None,
            jitter=jitter_of(samples),
            missed=self._missed_in_a_row,
            reconnected=None if self._reconnected_at is None else now - self._reconnected_at,
        )
        return self._meter.update(classify(measured), now)

    def _tick(self) -> None:
        if self._pinged_at is not None:
            self.missed += 1
            self._missed_in_a_row += 1
        self._update_quality()
        self._ping()
        self._timer = asyncio.get_running_loop().call_later(INTERVAL, self._tick)

    def _ping(self) -> None:
        # One at a time, since a pong does not identify its ping.
        if self._pinged_at is None and self._send_ping():
            self._pinged_at = _now()


def _percentile(samples: Collection[float], percent: int) -> float | None:
    ordered = sorted(samples)
    return ordered[len(ordered) * percent // 100] if ordered else None


def _now() -> float:
    return asyncio.get_running_loop().time()
