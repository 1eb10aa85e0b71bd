"""Tells a slow peer from a dead one, by what its system has acknowledged."""

from longwire.server.session.tcp_info import Traffic


class SlowPeer:
    """Decides whether to wait longer for a peer that stalls, or whose pong is overdue.

    A full buffer and a late pong are not enough to close a connection: a heartbeat behind
    megabytes of data is answered late. So the traffic is compared with that of the last look.

    Attributes:
        stalled_since: when the stall began, or the peer last made progress in it; None if the
            transport takes data.
    """

    __slots__ = ("_received", "_taken", "_taken_in_stall", "_waiting", "stalled_since")

    def __init__(self) -> None:
        self.stalled_since: float | None = None
        self._taken_in_stall = self._taken = self._waiting = self._received = 0

    def begin_stall(self, now: float, traffic: Traffic) -> None:
        """Note that the transport's buffer is full."""
        self.stalled_since = now
        self._taken_in_stall = traffic.taken

    def end_stall(self) -> None:
        """Note that the transport takes data again, or that nothing will be sent any more."""
        self.stalled_since = None

    def extend_stall(self, now: float, traffic: Traffic) -> bool:
        """Wait longer if the peer took data since the last call; otherwise return False."""
        has_progressed = traffic.taken > self._taken_in_stall
        self._taken_in_stall = traffic.taken
        self.stalled_since = now if has_progressed else None
        return has_progressed

    def receive_ping_sent(self, traffic: Traffic) -> None:
        """Note the traffic at the time of a ping."""
        self._received = traffic.received
        self._taken = traffic.taken
        self._waiting = traffic.waiting

    def extend_ping(self, traffic: Traffic, *, is_stalled: bool) -> bool:
        """Return whether an overdue pong may still arrive; compare with the last call or the ping.

        It may if the peer is sending, or if it took data while the ping was behind other data,
        or while data of the peer was not read here. It may not if the peer's system merely
        acknowledges the ping, since that of a process that hangs does so too.
        """
        received_before, waiting_before = self._received, self._waiting
        taken = traffic.taken - self._taken
        self._received, self._taken = traffic.received, traffic.taken
        self._waiting = max(0, waiting_before - taken)
        is_behind = waiting_before > 0 or traffic.unread > 0 or is_stalled
        return traffic.received > received_before or (taken > 0 and is_behind)
