"""The actions that operators may take: off by default, recorded with the operator's name."""

from __future__ import annotations

from typing import Annotated

import msgspec

from longwire.admin.access import AdminDenied
from longwire.catalog import AnnouncementLevel
from longwire.server import Action, Server


class _Request(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, rename="camel"):
    """The body of an action. A member that is not known is refused, not ignored."""


class Disconnect(_Request):
    """POST `/disconnect`: end the connections of a user or in a room, or one connection.

    Attributes:
        user: the connections of this user.
        room: the connections in this room.
        connection: the connection with this public id.
    """

    user: str | None = None
    room: str | None = None
    connection: str | None = None


class Revoke(_Request):
    """POST `/revoke`: refuse a user or a token from now on.

    Attributes:
        user: refuse every token of this user.
        token_id: refuse the token with this id.
        issued_before: with `user`: refuse only tokens issued before, in seconds since the epoch.
        expires_at: when the revocation may be dropped, in seconds since the epoch.
    """

    user: str | None = None
    token_id: str | None = None
    issued_before: float | None = None
    expires_at: float | None = None


class Announce(_Request):
    """POST `/announce`: show a message to everyone, or in one room, or to one user.

    Attributes:
        message: the text.
        level: `info`, `warning` or `error`.
        room: only in this room.
        user: only to this user.
    """

    message: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    level: AnnouncementLevel = "info"
    room: str | None = None
    user: str | None = None


class Cancel(_Request):
    """POST `/cancel`: ask a job to stop.

    Attributes:
        job: the job's id.
        reason: the reason, for the job's worker and watchers.
    """

    job: str
    reason: str | None = None


class ParkedEventId(_Request):
    """POST `/retry` and `/discard`: call the handler with a parked event again, or drop the event.

    Attributes:
        consumer: the consumer that parked it.
        id: the event's id.
    """

    consumer: str
    id: str


class Actions:
    """Takes actions on all nodes.

    Args:
        server: takes them.
        are_allowed: whether the application allows actions at all.
    """

    def __init__(self, server: Server, are_allowed: bool) -> None:
        self._server = server
        self._are_allowed = are_allowed

    def check(self) -> None:
        """Return if actions are allowed.

        Raises:
            AdminDenied: they are not.
        """
        if not self._are_allowed:
            raise AdminDenied("actions are switched off: pass allow_actions=True to admin.mount")

    async def disconnect(self, request: Disconnect, operator: str) -> None:
        """End connections; see `Server.disconnect`."""
        await self._server.disconnect(
            user=request.user, room=request.room, connection=request.connection, by=operator
        )

    async def revoke(self, request: Revoke, operator: str) -> None:
        """Revoke a user or a token; see `Server.revoke`."""
        await self._server.revoke(
            user=request.user,
            token_id=request.token_id,
            issued_before=request.issued_before,
            expires_at=request.expires_at,
            by=operator,
        )

    async def announce(self, request: Announce, operator: str) -> None:
        """Announce a message; see `Server.announce`."""
        await self._server.announce(
            request.message,
            level=request.level,
            room=request.room,
            user=request.user,
            by=operator,
        )

    async def cancel(self, request: Cancel, operator: str) -> None:
        """Cancel a job, and record it; see `Server.cancel_job`."""
        await self._server.cancel_job(request.job, request.reason)
        await self._server.record_action(
            Action(action="cancel", by=operator, room=f"job:{request.job}", message=request.reason)
        )

    async def retry(self, request: ParkedEventId, operator: str) -> None:
        """Retry a parked event, and record it; see `Server.retry_parked`."""
        await self._server.retry_parked(request.consumer, request.id)
        await self._record("retry", request, operator)

    async def discard(self, request: ParkedEventId, operator: str) -> None:
        """Drop a parked event, and record it; see `Server.discard_parked`."""
        await self._server.discard_parked(request.consumer, request.id)
        await self._record("discard", request, operator)

    async def _record(self, action: str, request: ParkedEventId, operator: str) -> None:
        message = f"{request.consumer} {request.id}"[:1000]
        await self._server.record_action(Action(action=action, by=operator, message=message))
