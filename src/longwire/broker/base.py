"""The delivery contract between room logs and the nodes that serve them.

A *node* is one server process. A *broker* owns the logs, gives every entry its offset, and
delivers new entries to the nodes that subscribed to their rooms.
"""

from typing import Final, Protocol

import msgspec

from longwire.log.condition import Condition
from longwire.log.publication import Draft, History, Publication
from longwire.log.room_log import DEFAULT_SLICE_BYTES, DEFAULT_SLICE_FRAMES
from longwire.types import Position

LISTED_AHEAD: Final = 10.0
"""Seconds by which `Broker.written_since` may list a room before its log has grown."""


class Written(msgspec.Struct, frozen=True):
    """The rooms that were written since a mark.

    Attributes:
        mark: continues the list: pass it to the next call, also after a restart. An opaque string
            of at most 100 ASCII characters.
        rooms: their names, in the order of their last writes.
    """

    mark: str
    rooms: tuple[str, ...]


class Receiver(Protocol):
    """The node's side of a broker: receives what is new in the rooms that it subscribed to.

    The methods are called on the event loop, never concurrently; they must return soon and must
    not raise. Publications of a room are delivered in the order of their offsets, each exactly
    once and without gaps, until `receive_reset`. A gap occurs only if this node was disconnected
    from the log for so long that retention has dropped entries that it did not receive; readers
    before the gap continue by reading the log.
    """

    def receive_publication(self, room: str, publication: Publication) -> None:
        """Receive the next entry of `room`'s log, published on any node."""
        ...

    def receive_volatile(self, room: str, draft: Draft) -> None:
        """Receive an unlogged event: at most once, in no particular order with publications."""
        ...

    def receive_reset(self, room: str, position: Position) -> None:
        """Handle that `room` has a new log: state derived from the old one must be discarded.

        `position` is the end of the new log. Entries up to it have to be read; publications with
        later offsets follow.
        """
        ...


class Broker(Protocol):
    """Room logs, and the agreement between nodes about them. Knows bytes and positions only.

    Order first, deliver second: no node, including the publishing one, receives an entry before
    the log has assigned its offset and would still contain it after any crash that the broker
    promises to survive. A log that may have lost its newest entries continues under a new epoch,
    so that an offset of one epoch never identifies two different entries.

    Rooms are not created explicitly. A room without writes and subscribers for longer than the
    retention's age is deleted, and so is the one idle longest if the broker keeps too many idle
    rooms. If a deleted room is used again, its log has another epoch.
    """

    @property
    def is_durable(self) -> bool:
        """Whether the logs outlive this process."""
        ...

    @property
    def is_shared(self) -> bool:
        """Whether other nodes may write to the same logs."""
        ...

    async def start(self, receiver: Receiver) -> None:
        """Open the logs and deliver to `receiver` from now on.

        Raises:
            LogFileError: the file with the logs cannot be used.
            BrokerUnavailable: the logs cannot be reached.
        """
        ...

    async def check(self) -> None:
        """Return if the log can be read and written now, as far as that can be known quickly.

        Raises:
            BrokerUnavailable: it cannot. The caller limits the time that this may take.
        """
        ...

    async def close(self) -> None:
        """Complete the publishes in progress and release the logs; later calls raise.

        Does nothing before `start`. A closed broker may be started again, also in another event
        loop.
        """
        ...

    async def publish(
        self,
        room: str,
        draft: Draft,
        *,
        id: str | None = None,
        condition: Condition | None = None,
    ) -> Position:
        """Append to `room`'s log, deliver to every subscribed node, and return the position.

        When it returns, the entry is durably in the log and has been delivered on this node.
        Consecutive publishes by one caller to one room keep their order. A cancelled publish may
        or may not have been appended.

        Args:
            room: the name of the room.
            draft: the entry.
            id: makes retries safe. Within five minutes, publishes with the same id in the same
                room, of the same event with the same fields (except `timestamp`), are appended
                and delivered once; retries return the position of the first.
            condition: checked in the same atomic step as the append, after `id`: a retry of a
                publish that was appended returns its position, whatever happened since. A refused
                publish has no effect.

        Raises:
            StaleAttempt: a newer attempt of the job exists, or another worker has claimed it.
            JobEnded: the job's attempt has ended.
            Conflict: the newest entry of the event and slot is not at the expected position.
            IdempotencyConflict: the id was used for a different event.
            BrokerUnavailable: the log cannot be reached. The entry may or may not have been
                appended; retry with the same id.
        """
        ...

    async def publish_volatile(self, room: str, draft: Draft) -> None:
        """Deliver to every subscribed node at most once, without appending to the log.

        Raises:
            BrokerUnavailable: the other nodes cannot be reached.
        """
        ...

    async def subscribe(self, room: str) -> None:
        """Deliver publications to `room` from now on. Subscribing twice has no further effect.

        Once it returns, every later publication is delivered, so a subsequent read connects to the
        deliveries without a gap. A subscribed room is not deleted and keeps its epoch, even while
        it is empty.
        """
        ...

    async def subscribe_first(self, room: str) -> None:
        """Subscribe to a room that no other room may overtake, such as one with revocations.

        Once this node was cut off from the log, nothing of other rooms is delivered, read or
        published without a log before this room has delivered what its log grew by.
        """
        ...

    async def until_current(self) -> None:
        """Wait while the rooms of `subscribe_first` may have grown without this node's knowledge.

        Raises:
            BrokerUnavailable: this node is still cut off from the log.
        """
        ...

    async def unsubscribe(self, room: str) -> None:
        """Stop delivering `room` to this node. Does nothing if it is not subscribed."""
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
        """Read a conflated slice of `room`'s log: what follows `since`, or all that is retained.

        Any `since` is valid, including one of another epoch, out of range or forged; see `History`.
        Reading does not create the room.

        Args:
            room: the name of the room.
            since: the position after which to start.
            limit: the maximum number of publications.
            max_bytes: the maximum size of their data, exceeded by at most one publication.
            with_text: whether to include streamed text (`Concat`), which is most of a long log.
                Without it the last publication may be before the end of the log.

        Raises:
            BrokerUnavailable: the log cannot be reached.
        """
        ...

    async def newest(self, room: str, slot: str) -> tuple[Position, bytes] | None:
        """Return the newest entry of a `Latest` or `Merge` slot: its position and its data.

        None if there is none. Reading does not create the room.

        Raises:
            BrokerUnavailable: the log cannot be reached.
        """
        ...

    async def position(self, room: str) -> Position:
        """Return the end of `room`'s log; reading since there yields only new entries.

        For a room without a log it is offset 0 of the empty epoch.

        Raises:
            BrokerUnavailable: the log cannot be reached.
        """
        ...

    async def rooms(self, prefix: str) -> list[str]:
        """Return the rooms with a log whose names start with `prefix`, last written first.

        Raises:
            BrokerUnavailable: the logs cannot be reached.
        """
        ...

    async def written_since(self, mark: str) -> Written:
        """Return the rooms that were written, on any node, since the call that returned `mark`.

        A chain of calls lists every room whose log has grown, at the latest when the entry can be
        read and at most `LISTED_AHEAD` before: a caller that reads a room as soon as it is listed
        reads it once more after that time. Rooms may be listed although nothing was appended. For
        an empty, unknown or outdated mark all rooms with a log are returned.

        Raises:
            BrokerUnavailable: the logs cannot be reached.
        """
        ...
