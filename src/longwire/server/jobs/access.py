"""Removes members from a job's room when the job gets an owner who does not share it with them."""

from __future__ import annotations

from typing import Final, cast

from longwire.background import BackgroundTasks
from longwire.catalog import JobCreated
from longwire.log.publication import Publication
from longwire.schema import declaration_of
from longwire.server.access.rules import RoomRules
from longwire.server.clients.commands import leave_denied_rooms
from longwire.server.clients.socket import Socket
from longwire.server.jobs.registry import ROOM_PREFIX
from longwire.server.rooms.hub import Hub

_CREATED: Final = declaration_of(JobCreated).name


class JobAccess:
    """Checks the members of a job's room again after each `job:created`.

    A client may join the room of a job that does not exist yet, so the room rule cannot know the
    owner. The hub reports `job:created` on every node that has members, whichever node published.

    Args:
        hub: the rooms of this node.
        rules: decide who may stay.
    """

    def __init__(self, hub: Hub, rules: RoomRules) -> None:
        self._hub = hub
        self._rules = rules
        self._checks = BackgroundTasks()
        hub.observe(_CREATED, self._receive_created)

    async def wait_for_removals(self) -> None:
        """Return when the members that the last publications exclude have left."""
        await self._checks.wait()

    def _receive_created(self, room: str, publication: Publication) -> None:
        if room.startswith(ROOM_PREFIX):
            for member in self._hub.members(room):
                # Sockets are the only members that hubs of a server have.
                socket = cast("Socket", member)
                self._checks.start(leave_denied_rooms(self._rules, self._hub, socket))
