"""Limits on what one client may use; each has a default and a reason."""

import msgspec

from longwire.errors import InvalidId

# Characters of a publish id. A UUID has 36; the log keeps thousands of ids for minutes.
MAX_ID_LENGTH = 200


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on what one client may use, and on how long the server waits for it.

    Attributes:
        rooms_per_socket: a browser tab watches tens of jobs; a thousand is a scan.
        room_name_length: characters; longer names are rejected before a rule is called.
        sessions_per_address: enough for an office behind one address. Sessions from loopback
            addresses are not counted, since those are proxies on the same machine.
        sessions_signing_in: sessions that have not signed in yet; enough for all clients of a
            large node that reconnect at once. Further clients have to try again.
        events_per_second: above it, after a burst of one second, the server reads the session
            more slowly; no event is dropped.
        unhandled_bytes: size of a session's events that wait for or run in handlers; above it,
            the server stops reading the session until some have ended.
        poll_buffer: bytes that wait for a client's next polling request before the client lags.
        stall_timeout: seconds within which a stalled connection must accept some data; otherwise
            it is closed with the reason `too_slow`. Less than the heartbeat's timeout, which
            would close it without a reason.
        body_timeout: seconds within which the body of a polling request must be complete: 1 MB
            over a modem. A slower client is an attack.
        close_timeout: seconds that a client may take to answer the WebSocket's close frame; then
            the data that it has not read is dropped.
        token_expiry_notice: seconds before a token expires at which `auth_expiring` is sent; at
            most half of the time that the token has left when it is presented.
        token_grace: seconds after a token has expired at which its connection is closed.
        replay_slice: entries that are read from a log at once for a member that catches up.
        fanout_slice: writes to members in one turn of the event loop, over all rooms: about 5 ms.
            A write of more than 32 KiB counts as several.
        retry_after: seconds that clients are asked to wait when the server restarts.
        drain_seconds: seconds within which a server that stops moves its clients to other servers.
            From 5 s on, no second has more than a fifth of the reconnects. A supervisor must wait
            for longer before it kills the process: Docker waits for 10 s, Kubernetes for 30 s.
        revocations: users and tokens that may be revoked at one time; a node needs some 700 bytes
            for each. Further ones are refused, since dropping one would let its token in again.
        parked_events: events of all consumers that may be parked at one time, each with its
            payload. Beyond that, the rooms of further events that fail wait until an operator
            retries or discards some, since dropping one would lose it.
        token_lifetime: seconds that a token may be valid; a token that expires later is refused.
            A revocation is kept for this long. Ten years is the longest that `longwire token`
            signs; the lifetime of your own tokens keeps fewer revocations.
        node_lease: seconds of silence after which another node counts as dead, and its members no
            longer keep a room occupied.
        vacated_after: seconds that a room must be without members before `on_vacated` hooks are
            called: a page that is loaded again takes less.

    Raises:
        ValueError: `events_per_second`, `revocations`, `parked_events`, `token_lifetime` or
            `node_lease` is not positive, or `drain_seconds` is negative.
    """

    rooms_per_socket: int = 1000
    room_name_length: int = 200
    sessions_per_address: int = 2000
    sessions_signing_in: int = 10_000
    events_per_second: int = 2000
    unhandled_bytes: int = 4_000_000
    poll_buffer: int = 1_000_000
    stall_timeout: float = 15.0
    body_timeout: float = 30.0
    close_timeout: float = 5.0
    token_expiry_notice: float = 60.0
    token_grace: float = 10.0
    replay_slice: int = 100
    fanout_slice: int = 500
    retry_after: float = 1.0
    drain_seconds: float = 8.0
    revocations: int = 100_000
    parked_events: int = 1000
    token_lifetime: float = 3650 * 86_400.0
    node_lease: float = 10.0
    vacated_after: float = 5.0

    def __post_init__(self) -> None:
        """Check the values."""
        rate = self.events_per_second
        if rate <= 0:
            raise ValueError(f"events_per_second must be > 0, got {rate}; for no limit, pass 10**9")
        if not self.drain_seconds >= 0:
            raise ValueError(f"drain_seconds must be >= 0, got {self.drain_seconds}")
        for name in ("revocations", "parked_events", "token_lifetime", "node_lease"):
            value = getattr(self, name)
            if value <= 0:
                raise ValueError(f"{name} must be > 0, got {value}")


def check_id(id: str) -> None:
    """Check the id of a publication.

    Raises:
        InvalidId: it is empty or too long.
    """
    if not 0 < len(id) <= MAX_ID_LENGTH:
        raise InvalidId(f"an id must have 1 to {MAX_ID_LENGTH} characters, got {len(id)}")
