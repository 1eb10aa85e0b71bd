"""Records what passes over a connection while an operator looks at it."""

from __future__ import annotations

import asyncio
from collections import deque
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


class Recording:
    """The newest operations of one connection."""

    def __init__(self) -> None:
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
        self.operations.append(
            Operation(at=at, direction=direction, event=event, room=room, size=size, offset=offset)
        )


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
        recording = self._recordings.pop(socket, None)
        if recording is None:
            recording = Recording()
            socket.observer = recording
            self._server.hub.forget_writer(socket, socket.rooms)
        recording.looked_at = asyncio.get_running_loop().time()
        self._recordings[socket] = recording  # the last looked at comes last
        while len(self._recordings) > MAX_WATCHED:
            self._end(next(iter(self._recordings)))
        if self._timer is None:
            self._schedule()
        return list(reversed(recording.operations))

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
            if recording.looked_at <= oldest or not socket.is_open:
                self._end(socket)
        if self._recordings:
            self._schedule()

    def _end(self, socket: Socket) -> None:
        del self._recordings[socket]
        socket.observer = None

    def _schedule(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(WATCHED_FOR / 2, self.sweep)
