"""A job that gets an owner while people watch it: those who may not are asked to leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from longwire.background import BackgroundTasks
from longwire.catalog import JobCreated
from longwire.schema import declaration_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from longwire.log import Draft, Publication
    from longwire.server.clients.socket import Socket
    from longwire.server.rooms.hub import Hub
    from longwire.types import Position

_CREATED: Final = declaration_of(JobCreated).name


class OwnershipWatch:
    """Hands on to the hub what the broker delivers, and looks out for jobs with a new owner.

    It hears of them on every node that has members there, whichever node published.

    Args:
        hub: takes everything in.
        check: asks a member of such a job's room to leave, unless it may stay.
    """

    __slots__ = ("_check", "_checks", "_hub")

    def __init__(self, hub: Hub, check: Callable[[Socket], Coroutine[None, None, None]]) -> None:
        self._hub = hub
        self._check = check
        self._checks = BackgroundTasks()

    async def settled(self) -> None:
        """Return when those have left whose time to leave it is now."""
        await self._checks.wait()

    def receive_publication(self, room: str, publication: Publication) -> None:
        """Hand on, and look at it; see `Receiver`."""
        self._hub.receive_publication(room, publication)
        if publication.event == _CREATED and room.startswith("job:"):
            for member in self._hub.members(room):
                self._checks.start(self._check(cast("Socket", member)))

    def receive_volatile(self, room: str, draft: Draft) -> None:
        """Hand on; see `Receiver`."""
        self._hub.receive_volatile(room, draft)

    def receive_reset(self, room: str, position: Position) -> None:
        """Hand on; see `Receiver`."""
        self._hub.receive_reset(room, position)
