"""The interface between a session and the WebSocket that it sends over."""

from collections.abc import Sequence
from typing import Protocol

from longwire.prepared import PreparedBatch
from longwire.server.session.tcp_info import Traffic


class Writer(Protocol):
    """The sending half of a WebSocket; its methods never block.

    Attributes:
        is_direct: whether prepared messages may be written without asking the session. The
            session updates this each time that its protocol object has sent something.
    """

    is_direct: bool

    @property
    def stalled(self) -> bool:
        """Whether the transport's buffer is full; further messages would wait in memory."""
        ...

    def write(self, messages: Sequence[str | bytes]) -> None:
        """Send messages in order."""
        ...

    def write_batch(self, batch: PreparedBatch, with_positions: bool) -> None:
        """Send prepared messages in order."""
        ...

    def close(self) -> None:
        """Close the WebSocket after everything that was written."""
        ...

    def traffic(self) -> Traffic:
        """Return what has passed through the connection, in a unit of the writer's choice."""
        ...
