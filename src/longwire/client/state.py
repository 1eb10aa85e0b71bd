"""The states of a connection, and the transitions between them."""

from collections import deque
from collections.abc import Callable
from enum import StrEnum

from longwire.client.callbacks import Observers
from longwire.errors import LocalProtocolError


class ConnectionState(StrEnum):
    """The state of a client's connection. The TypeScript client uses the same words.

    - `disconnected`: not connected, and not trying to.
    - `connecting`: the first connection is being established.
    - `connected`: connected, authenticated, and all rooms are resumed.
    - `reconnecting`: the connection was lost, and the client tries to establish another one.
    - `error`: the client gave up; `WebSocketClient.error` has the reason. `retry()` or `connect()`
      starts again.
    """

    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    ERROR = "error"


# The states that may follow each state.
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
    """The connection state of one client, with its dates and counts.

    Args:
        clock: Returns the time, in seconds since the Unix epoch.

    Attributes:
        state: The connection state.
        error: The error that ended the last attempt or connection; None once connected.
        connected_at: When the client last connected, in seconds since the Unix epoch.
        disconnected_at: When it last lost or closed a connection, in seconds since the Unix epoch.
        reconnect_attempts: Number of failed attempts since it was last connected.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._observers: Observers[ConnectionState] = Observers()
        self._changes: deque[ConnectionState] = deque()
        self.state = ConnectionState.DISCONNECTED
        self.error: Exception | None = None
        self.connected_at: float | None = None
        self.disconnected_at: float | None = None
        self.reconnect_attempts = 0

    def subscribe(self, listener: Callable[[ConnectionState], object]) -> Callable[[], None]:
        """Call `listener` with every new state, in order.

        Returns:
            A function that unsubscribes.
        """
        return self._observers.add(listener)

    def enter(self, state: ConnectionState, error: Exception | None = None) -> None:
        """Change the state; entering the present state only updates the error.

        Raises:
            LocalProtocolError: `TRANSITIONS` does not allow this change.
        """
        self.error = error
        if state is self.state:
            return
        if state not in TRANSITIONS[self.state]:
            raise LocalProtocolError(f"cannot change the state from {self.state} to {state}")
        if state is ConnectionState.CONNECTED:
            self.connected_at = self._clock()
            self.reconnect_attempts = 0
        elif self.state is ConnectionState.CONNECTED:
            self.disconnected_at = self._clock()
        self.state = state
        self._changes.append(state)
        if len(self._changes) == 1:  # a listener may change the state: that is notified next
            self._notify()

    def _notify(self) -> None:
        while self._changes:
            self._observers.notify(self._changes[0])
            self._changes.popleft()
