"""Records what passes over a connection while an operator looks at it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from longwire.admin.views import Direction, Operation
from longwire.clock import clock
from longwire.connection.events import EventReceived
from longwire.prepared import PreparedBatch
from longwire.server import Server, Socket

OPERATIONS: Final = 200
"""Operations that are kept for a watched connection, the newest ones."""

WATCHED_FOR: Final = 30.0
"""Seconds after the last look at a connection when its recording ends."""

MAX_WATCHED: Final = 20
"""Connections that are recorded at one time on a node; a further one ends the oldest recording."""


Follower = Callable[[Socket, Operation], None]
"""Receives each operation of a connection that a trace follows."""


class Recording:
    """The newest operations of one connection.

    Attributes:
        follower: receives each operation, too, while a trace follows the connection.
        operations: the operations, oldest first.
        looked_at: when an operator last looked at the connection.
    """

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self.follower: Follower | None = None
        self.operations: deque[Operation] = deque(maxlen=OPERATIONS)
        self.looked_at = asyncio.get_running_loop().time()

    def receive_event(self, event: EventReceived) -> None:
        """Record an event of the client."""
        size = sum(map(len, event.args)) + sum(map(len, event.attachments))
        self._add("in", event.name[:100], None, size, None)

    def receive_emit(self, event: str, args: tuple[object, ...]) -> None:
        """Record an event that was sent to this client only."""
        size = sum(len(arg) for arg in args if isinstance(arg, bytes | str | msgspec.Raw))
        self._add("out", event[:100], None, size, None)

    def receive_write(self, batch: PreparedBatch) -> None:
        """Record events of a room."""
        for message in batch.messages:
            offset = message.last or None
            self._add("out", message.event, message.room, len(message.data), offset)

    def _add(
        self, direction: Direction, event: str, room: str | None, size: int, offset: int | None
    ) -> None:
        at = int(clock.time() * 1000)
        operation = Operation(
            at=at, direction=direction, event=event, room=room, size=size, offset=offset
        )
        self.operations.append(operation)
        if self.follower is not None:
            self.follower(self._socket, operation)


class Recorder:
    """Records the operations of the connections that operators look at.

    A connection that is not looked at costs nothing: its `observer` is None.

    Args:
        server: the node.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._recordings: dict[Socket, Recording] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._recordings)

    def watch(self, socket: Socket) -> list[Operation]:
        """Record a connection from now on; return what was recorded before, newest first."""
        return list(reversed(self._record(socket).operations))

    def follow(self, socket: Socket, follower: Follower) -> None:
        """Record a connection, and pass each operation to `follower`, until `unfollow`."""
        self._record(socket).follower = follower

    def unfollow(self, socket: Socket) -> None:
        """Pass on no more operations of a connection; its recording ends a little later."""
        recording = self._recordings.get(socket)
        if recording is not None:
            recording.follower = None

    def close(self) -> None:
        """End all recordings."""
        for socket in list(self._recordings):
            self._end(socket)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def sweep(self) -> None:
        """End the recordings that no operator looked at for `WATCHED_FOR`."""
        self._timer = None
        oldest = asyncio.get_running_loop().time() - WATCHED_FOR
        for socket, recording in list(self._recordings.items()):
            is_unused = recording.looked_at <= oldest and recording.follower is None
            if is_unused or not socket.is_open:
                self._end(socket)
        if self._recordings:
            self._schedule()

    def _record(self, socket: Socket) -> Recording:
        recording = self._recordings.pop(socket, None)
        if recording is None:
            recording = Recording(socket)
            socket.observer = recording
            self._server.hub.forget_writer(socket, socket.rooms)
        recording.looked_at = asyncio.get_running_loop().time()
        self._recordings[socket] = recording  # the last looked at comes last
        looked_at = [each for each, kept in self._recordings.items() if kept.follower is None]
        for each in looked_at[:-MAX_WATCHED]:
            self._end(each)
        if self._timer is None:
            self._schedule()
        return recording

    def _end(self, socket: Socket) -> None:
        del self._recordings[socket]
        socket.observer = None

    def _schedule(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(WATCHED_FOR / 2, self.sweep)
