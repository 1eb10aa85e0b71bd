"""The state of a probing WebSocket."""


class Probe:
    """A WebSocket that a long-polling session is about to move to.

    Attributes:
        deadline: when the probe fails.
        noop_at: when the server may next answer a waiting poll with a noop (`6`).
    """

    __slots__ = ("_messages", "deadline", "noop_at")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.noop_at = deadline
        self._messages: list[str | bytes] = []

    def send(self, packet: str) -> None:
        """Queue a packet for the probing WebSocket."""
        self._messages.append(packet)

    def take_messages(self) -> list[str | bytes]:
        """Return the packets to write to the probing WebSocket, and clear them."""
        messages, self._messages = self._messages, []
        return messages
