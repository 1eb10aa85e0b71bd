"""What one peer may cost a server; each limit has a default and its reason."""

from __future__ import annotations

import msgspec

from longwire.errors import ConfigurationError, InvalidId

# Characters of a publish id: a UUID takes 36, and the log remembers thousands for minutes.
MAX_ID_LENGTH = 200


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on what peers may do.

    Attributes:
        rooms_per_socket: a browser tab watches tens of jobs; a thousand is a scan.
        room_name_length: characters; longer names are refused before any rule sees them.
        sessions_per_address: one office behind one address, with room to spare. Loopback
            addresses are not counted: they are a proxy on the same machine.
        sessions_signing_in: all clients of a large node that come back at once; more, who have not
            said who they are, have to try again.
        events_per_second: beyond it, with a second's burst, a session is read more slowly;
            nothing is dropped.
        unhandled_bytes: of a session's events whose handlers have not ended, or wait for their turn
            behind such; beyond it, the session is read no further until some have.
        poll_buffer: bytes that wait for a polling client's next poll before it lags.
        stall_timeout: seconds in which a stalled connection must take something, however
            little; otherwise it is closed with the advice to come back and resume. Less than
            the heartbeat's timeout, which would end it without a word.
        close_timeout: seconds that a peer has to read what precedes the server's close frame and to
            answer it; after that, the connection is reset.
        token_expiry_notice: seconds before a token's end at which `auth_expiring` is sent.
        token_grace: seconds after a token's end at which its connection is cut.
        replay_slice: frames read from a log in one go while a cursor catches up.
        fanout_slice: writes in one go, in all rooms together: about 5 ms of the loop. A write of
            more than 32 KiB counts for several.
        retry_after: seconds that clients are told to wait when the server restarts.

    Raises:
        ConfigurationError: `events_per_second` is not positive.
    """

    rooms_per_socket: int = 1000
    room_name_length: int = 200
    sessions_per_address: int = 2000
    sessions_signing_in: int = 10_000
    events_per_second: int = 2000
    unhandled_bytes: int = 4_000_000
    poll_buffer: int = 1_000_000
    stall_timeout: float = 15.0
    close_timeout: float = 5.0
    token_expiry_notice: float = 60.0
    token_grace: float = 10.0
    replay_slice: int = 100
    fanout_slice: int = 500
    retry_after: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a rate that is none; for no limit give a large one."""
        if self.events_per_second <= 0:
            raise ConfigurationError(f"events_per_second must be > 0, got {self.events_per_second}")


def check_id(id: str | None) -> None:
    """Return if a publish may bear this id.

    Raises:
        InvalidId: it may not.
    """
    if id is not None and not 0 < len(id) <= MAX_ID_LENGTH:
        raise InvalidId(f"an id has 1 to {MAX_ID_LENGTH} characters, this one {len(id)}")
