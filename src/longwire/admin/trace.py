"""Follows one user or one room for a few minutes, at an operator's request."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Annotated, Final

import msgspec

from longwire.admin.recorder import Recorder
from longwire.admin.views import Operation, Step, TraceType
from longwire.background import BackgroundTasks
from longwire.clock import clock
from longwire.prepared import PreparedMessage
from longwire.server import Server, Socket

MAX_SECONDS: Final = 300
"""Seconds after which a trace ends by itself."""

STEPS: Final = 500
"""Steps that a node keeps, the newest ones."""

MAX_FOLLOWED: Final = 20
"""Connections of a user that are followed on a node."""

RESCAN: Final = 1.0
"""Seconds between two looks for new connections of the user."""


class TraceRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST `/trace`: follow a user or a room on all nodes; ends an earlier trace.

    Attributes:
        type: `user` or `room`.
        entity: the user's id, or the room.
        seconds: how long, at most 300.
    """

    type: TraceType
    entity: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    seconds: Annotated[int, msgspec.Meta(ge=1, le=MAX_SECONDS)] = 60


class Trace:
    """The part of this node in the trace that runs.

    Args:
        server: the node.
        node: its name.
        recorder: observes connections.

    Attributes:
        request: what is followed; None while no trace runs.
        ends_at: when it ends, in milliseconds since the Unix epoch.
    """

    def __init__(self, server: Server, node: str, recorder: Recorder) -> None:
        self._server = server
        self._node = node
        self._recorder = recorder
        self._steps: deque[Step] = deque(maxlen=STEPS)
        self._followed: set[Socket] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._end: asyncio.TimerHandle | None = None
        self._tasks = BackgroundTasks()
        self._listening: str | None = None
        self.request: TraceRequest | None = None
        self.ends_at = 0

    @property
    def steps(self) -> list[Step]:
        """The steps, newest first; they stay until another trace begins."""
        return list(reversed(self._steps))

    def begin(self, request: TraceRequest) -> None:
        """Follow what is requested instead of what was followed before."""
        self.stop()
        self._steps.clear()
        self.request = request
        self.ends_at = int(clock.time() * 1000) + request.seconds * 1000
        loop = asyncio.get_running_loop()
        self._end = loop.call_later(request.seconds, self.stop)
        if request.type == "room":
            self._listening = request.entity
            self._tasks.start(self._server.hub.listen(request.entity, self._receive_message))
        else:
            self._scan(request.entity)

    def stop(self) -> None:
        """Follow nothing; does nothing if no trace runs."""
        for timer in (self._timer, self._end):
            if timer is not None:
                timer.cancel()
        self._timer = self._end = None
        for socket in self._followed:
            self._recorder.unfollow(socket)
        self._followed.clear()
        if self._listening is not None:
            self._tasks.start(self._server.hub.unlisten(self._listening, self._receive_message))
            self._listening = None
        self.request = None

    async def close(self) -> None:
        """Follow nothing, and wait until that is done."""
        self.stop()
        await self._tasks.wait(return_exceptions=True)

    def _scan(self, user: str) -> None:
        """Follow the connections of a user, also those that began since the last look."""
        for socket in self._server.sockets:
            is_new = socket.identity.user_id == user and socket not in self._followed
            if is_new and len(self._followed) < MAX_FOLLOWED:
                self._followed.add(socket)
                self._recorder.follow(socket, self._receive_operation)
        for socket in [socket for socket in self._followed if not socket.is_open]:
            self._followed.discard(socket)
            self._recorder.unfollow(socket)
        self._timer = asyncio.get_running_loop().call_later(RESCAN, self._scan, user)

    def _receive_operation(self, socket: Socket, operation: Operation) -> None:
        self._steps.append(
            Step(
                at=operation.at,
                node=self._node,
                kind=operation.direction,
                connection=socket.sid,
                event=operation.event,
                room=operation.room,
                offset=operation.offset,
                size=operation.size,
            )
        )

    def _receive_message(self, message: PreparedMessage) -> None:
        """Note a message that was written to all live members of the room."""
        room = self._server.hub.rooms.get(self._listening or "")
        live = len(room.live) if room is not None else 0
        members = len(room.members) if room is not None else 0
        self._steps.append(
            Step(
                at=int(clock.time() * 1000),
                node=self._node,
                kind="written",
                event=message.event,
                room=message.room,
                offset=message.last or None,
                size=len(message.data),
                delivered=live,
                behind=members - live,
            )
        )
