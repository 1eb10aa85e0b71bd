"""The states of a session, and the transitions between them, as a table for both ends.

OPENING ──> POLLING <──> PROBING ──> UPGRADING ──> WEBSOCKET
               └────────────┴───────────┴──> CLOSING ──> CLOSED    (every state can end in CLOSED)
"""

import enum
from typing import Literal

Transport = Literal["polling", "websocket"]
"""The transports of a session."""


class State(enum.Enum):
    """The state of a session."""

    OPENING = "opening"
    """The client waits for the handshake."""
    POLLING = "polling"
    """The session uses HTTP requests."""
    PROBING = "probing"
    """It uses requests; a WebSocket is open as well, and its probe has not been answered yet."""
    UPGRADING = "upgrading"
    """The probe has been answered; once the requests are complete, the client sends `5`."""
    WEBSOCKET = "websocket"
    """The session uses a WebSocket."""
    CLOSING = "closing"
    """This end has closed on long-polling; the next request delivers the close packet."""
    CLOSED = "closed"
    """The session has ended."""


class Signal(enum.Enum):
    """The cause of a transition."""

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
