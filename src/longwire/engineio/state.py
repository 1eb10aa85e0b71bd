"""The life of a session as a table; both ends walk the same one.

OPENING ──> POLLING <──> PROBING ──> UPGRADING ──> WEBSOCKET
               └────────────┴───────────┴──> CLOSING ──> CLOSED    (everything leads to CLOSED)
"""

from __future__ import annotations

import enum
from typing import Literal

Transport = Literal["polling", "websocket"]
"""What can carry a session."""


class State(enum.Enum):
    """Where a session is."""

    OPENING = "opening"
    """The client waits for the handshake."""
    POLLING = "polling"
    """Requests carry the session."""
    PROBING = "probing"
    """Requests carry it; a WebSocket is open beside them and its probe not answered yet."""
    UPGRADING = "upgrading"
    """The probe is answered; requests come to their end, then the client says `5`."""
    WEBSOCKET = "websocket"
    """A WebSocket carries the session."""
    CLOSING = "closing"
    """This side said goodbye on long-polling and the next request will carry it to the peer."""
    CLOSED = "closed"
    """Over."""


class Signal(enum.Enum):
    """What moves a session."""

    POLLING_OPENED = "polling opened"
    WEBSOCKET_OPENED = "websocket opened"
    PROBE_STARTED = "probe started"
    PROBE_ANSWERED = "probe answered"
    PROBE_FAILED = "probe failed"
    UPGRADED = "upgraded"
    CLOSE_STARTED = "close started"
    ENDED = "ended"


TRANSITIONS: dict[State, dict[Signal, State]] = {
    State.OPENING: {
        Signal.POLLING_OPENED: State.POLLING,
        Signal.WEBSOCKET_OPENED: State.WEBSOCKET,
        Signal.ENDED: State.CLOSED,
    },
    State.POLLING: {
        Signal.PROBE_STARTED: State.PROBING,
        Signal.CLOSE_STARTED: State.CLOSING,
        Signal.ENDED: State.CLOSED,
    },
    State.PROBING: {
        Signal.PROBE_ANSWERED: State.UPGRADING,
        Signal.PROBE_FAILED: State.POLLING,
        Signal.CLOSE_STARTED: State.CLOSING,
        Signal.ENDED: State.CLOSED,
    },
    State.UPGRADING: {
        Signal.PROBE_FAILED: State.POLLING,
        Signal.UPGRADED: State.WEBSOCKET,
        Signal.CLOSE_STARTED: State.CLOSING,
        Signal.ENDED: State.CLOSED,
    },
    State.WEBSOCKET: {Signal.ENDED: State.CLOSED},
    State.CLOSING: {Signal.UPGRADED: State.WEBSOCKET, Signal.ENDED: State.CLOSED},
    State.CLOSED: {},
}
