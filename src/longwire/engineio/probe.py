"""What a session remembers of a WebSocket that probes."""

from __future__ import annotations


class Probe:
    """A second transport on trial.

    Attributes:
        deadline: when the trial has failed.
        noop_at: when the server may next release a waiting poll with `6`.
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
        """What to write to the probing WebSocket, drained."""
        messages, self._messages = self._messages, []
        return messages
