"""What a broker promises: the delivery contract between room logs and the nodes that serve them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from longwire.log.room_log import DEFAULT_SLICE_BYTES, DEFAULT_SLICE_FRAMES

if TYPE_CHECKING:
    from longwire.log import Draft, History, Publication
    from longwire.types import Position


class Receiver(Protocol):
    """The node's side of a broker: takes in what is new in the rooms it subscribed to.

    Called on the event loop and never concurrently. Per room, publications come in the order of
    their offsets, each once, without a hole, until `receive_reset`. There is a hole only where
    this node was cut off from the log for so long that retention has dropped what stood there:
    who stands before it reads the log. The methods must return soon and must not raise.
    """

    def receive_publication(self, room: str, publication: Publication) -> None:
        """Take in the entry that `room`'s log grew by; one that was published on any node."""
        ...

    def receive_volatile(self, room: str, draft: Draft) -> None:
        """Take in an event that no log keeps: at most once, in no order with publications."""
        ...

    def receive_reset(self, room: str, position: Position) -> None:
        """Learn that `room`'s log began anew: what was derived from the old one is void.

        `position` is the new log's end. Entries up to it are read; publications follow it.
        """
        ...


class Broker(Protocol):
    """Room logs, and the agreement between nodes about them. Bytes and positions, no protocol.

    Order first, deliver second: nobody, the publishing node included, sees an entry before the
    log gave it an offset and would still have it after the crash that the broker promises to
    survive. A log that may have lost its tail goes on under another epoch, so that no offset of
    one epoch ever stands for two entries.

    A room needs no creation. A room that nobody writes to or subscribes to for longer than the
    retention's age, or more idle rooms than the broker keeps, is forgotten: its next log has
    another epoch.
    """

    @property
    def is_lasting(self) -> bool:
        """Whether the logs outlive this process."""
        ...

    @property
    def is_shared(self) -> bool:
        """Whether other nodes may write to the same logs, too."""
        ...

    async def start(self, receiver: Receiver) -> None:
        """Open the logs and deliver to `receiver` from now on.

        Raises:
            LogFileError: the file that should hold the logs cannot be used.
            BrokerUnavailable: the logs cannot be reached.
        """
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of the logs; publishing afterwards raises.

        Harmless before `start`. It may be started again then, also in another event loop.
        """
        ...

    async def publish(self, room: str, draft: Draft, *, id: str | None = None) -> Position:
        """Append to `room`'s log, deliver to every subscribed node, and answer where it stands.

        When it returns, the entry is in the log for good and was delivered on this node.
        Publishes of one caller to one room, one after the other, stand in that order. A
        cancelled publish may have happened or not.

        Args:
            room: the room's name.
            draft: the entry.
            id: makes retries safe. Within five minutes the same id in the same room, for the
                same event with the same fields (its `timestamp` aside), is appended and
                delivered once; retries get the first position.

        Raises:
            IdempotencyConflict: the id was used for another event.
            BrokerUnavailable: the log cannot be reached; it may or may not have been appended,
                and a retry with an id is safe.
        """
        ...

    async def publish_volatile(self, room: str, draft: Draft) -> None:
        """Deliver to every subscribed node at most once, past the log.

        Raises:
            BrokerUnavailable: the other nodes cannot be reached.
        """
        ...

    async def subscribe(self, room: str) -> None:
        """Deliver what is published to `room` from now on. Subscribing twice is one subscription.

        When it returns, no later publication is missed: a read afterwards joins without a hole.
        While a room is subscribed it is not forgotten, and keeps its epoch even if it is empty.
        """
        ...

    async def unsubscribe(self, room: str) -> None:
        """Stop delivering `room` to this node. Harmless if it is not subscribed."""
        ...

    async def read(
        self,
        room: str,
        since: Position | None = None,
        *,
        limit: int = DEFAULT_SLICE_FRAMES,
        max_bytes: int = DEFAULT_SLICE_BYTES,
        with_text: bool = True,
    ) -> History:
        """Read a slice of `room`'s log, conflated: what follows `since`, or all that is retained.

        Any `since` is answered, be it of another epoch, out of range or forged (see `History`).
        Reading brings no room into being.

        Args:
            room: the room's name.
            since: where to begin.
            limit: publications in the slice.
            max_bytes: bytes of data in the slice.
            with_text: whether text that is streamed in pieces (`Concat`) is read, which is most of
                a long log. Without it the last publication may stand before the log's end.

        Raises:
            BrokerUnavailable: the log cannot be reached.
        """
        ...

    async def position(self, room: str) -> Position:
        """The end of `room`'s log: reading since it is "now".

        A room without a log stands at offset 0 of the empty epoch.

        Raises:
            BrokerUnavailable: the log cannot be reached.
        """
        ...

    async def rooms(self, prefix: str) -> list[str]:
        """The rooms with a retained log whose names begin with `prefix`, last written first.

        Raises:
            BrokerUnavailable: the logs cannot be reached.
        """
        ...
