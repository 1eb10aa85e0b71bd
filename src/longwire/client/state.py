"""The connection's state: a table of transitions, observable."""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING

from longwire.client.callbacks import Observers
from longwire.errors import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable


class ConnectionState(StrEnum):
    """Where a client stands.

    `connected` means authenticated and rooms resumed. `error` means that the client gave up and
    `error` says why; `retry()` or `connect()` starts again.
    """

    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    ERROR = "error"


TRANSITIONS: dict[ConnectionState, frozenset[ConnectionState]] = {
    ConnectionState.DISCONNECTED: frozenset({ConnectionState.CONNECTING}),
    ConnectionState.CONNECTING: frozenset(
        {ConnectionState.CONNECTED, ConnectionState.ERROR, ConnectionState.DISCONNECTED}
    ),
    ConnectionState.CONNECTED: frozenset(
        {ConnectionState.RECONNECTING, ConnectionState.ERROR, ConnectionState.DISCONNECTED}
    ),
    ConnectionState.RECONNECTING: frozenset(
        {ConnectionState.CONNECTED, ConnectionState.ERROR, ConnectionState.DISCONNECTED}
    ),
    ConnectionState.ERROR: frozenset({ConnectionState.CONNECTING, ConnectionState.DISCONNECTED}),
}


class ConnectionStatus:
    """The state and what belongs to it; listeners hear every change.

    Attributes:
        state: where the client stands.
        error: why the last attempt or connection failed; None once connected.
        connected_at: when it was last connected, seconds since the epoch.
        disconnected_at: when it last ceased to be, seconds since the epoch.
        reconnect_attempts: failed attempts since it was last connected.
    """

    __slots__ = (
        "_clock",
        "_news",
        "_observers",
        "connected_at",
        "disconnected_at",
        "error",
        "reconnect_attempts",
        "state",
    )

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._observers: Observers[ConnectionState] = Observers()
        self._news: deque[ConnectionState] = deque()
        self.state = ConnectionState.DISCONNECTED
        self.error: Exception | None = None
        self.connected_at: float | None = None
        self.disconnected_at: float | None = None
        self.reconnect_attempts = 0

    def subscribe(self, listener: Callable[[ConnectionState], object]) -> Callable[[], None]:
        """Call `listener` with every new state; return the undo."""
        return self._observers.add(listener)

    def enter(self, state: ConnectionState, error: Exception | None = None) -> None:
        """Change the state; entering the present one only updates the error.

        Raises:
            LocalProtocolError: the table has no such transition.
        """
        self.error = error
        if state is self.state:
            return
        if state not in TRANSITIONS[self.state]:
            raise LocalProtocolError(f"a client cannot go from {self.state} to {state}")
        if state is ConnectionState.CONNECTED:
            self.connected_at = self._clock()
            self.reconnect_attempts = 0
        elif self.state is ConnectionState.CONNECTED:
            self.disconnected_at = self._clock()
        self.state = state
        self._news.append(state)
        if len(self._news) == 1:  # who hears of it may change it: then that is told next
            self._tell()

    def _tell(self) -> None:
        while self._news:
            self._observers.notify(self._news[0])
            self._news.popleft()
