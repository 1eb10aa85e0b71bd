"""Sends the requests of rooms, and passes on the answer to the newest request of each room."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from longwire.client.rooms.membership import Membership
from longwire.wire import JOIN_ROOM, LEAVE_ROOM, PING

logger = logging.getLogger("longwire.client")


class Sender(Protocol):
    """What rooms need of a connection."""

    def request(
        self, name: str, args: tuple[object, ...], answered: Callable[[list[object] | None], None]
    ) -> None:
        """Send an event, and pass the values of its acknowledgement to `answered`.

        `answered` receives None if the connection ends without an acknowledgement.
        """
        ...

    def send(self, name: str, args: tuple[object, ...]) -> None:
        """Send an event that needs no acknowledgement."""
        ...

    def pause(self) -> None:
        """Hold back further events until tasks that await the current one have run."""
        ...


@dataclass(eq=False, repr=False)
class RoomRequests:
    """The requests of all rooms over the present connection.

    Args:
        backoff: Returns the delay in seconds before the nth try at an unavailable log.
        receive: Called with the membership and the values of the answer to its newest join.
    """

    _backoff: Callable[[int], float]
    _receive: Callable[[Membership, list[object]], None]
    _sender: Sender | None = None
    _grace: float | None = None

    @property
    def is_connected(self) -> bool:
        """Whether requests can be sent."""
        return self._sender is not None

    def connect(self, sender: Sender, grace: float | None) -> None:
        """Send requests over a new connection.

        After `grace` seconds a join counts as accepted: a stock server may never answer it.
        """
        self._sender = sender
        self._grace = grace

    def disconnect(self) -> None:
        """Send nothing until the next connection."""
        self._sender = None

    def join(self, member: Membership) -> None:
        """Join a room from where its entries are missing; replaces an earlier request."""
        if self._sender is None:
            return
        member.cancel_retry()
        member.is_joining = True
        member.request += 1
        request = member.request

        def answered(values: list[object] | None) -> None:
            if values is not None and member.request == request and member.is_joining:
                self._receive(member, values)

        self._sender.request(JOIN_ROOM, member.join_arguments(), answered)
        if self._grace is not None:
            asyncio.get_running_loop().call_later(self._grace, answered, list[object]())

    def join_later(self, member: Membership) -> None:
        """Join a room after a delay, since its log is unavailable now."""
        member.is_joining = True
        member.cancel_retry()
        member.retries += 1
        delay = self._backoff(member.retries)
        logger.info("log of room %r is unavailable; retry in %.1f s", member.room, delay)
        member.retry_timer = asyncio.get_running_loop().call_later(delay, self._retry, member)

    def _retry(self, member: Membership) -> None:
        member.retry_timer = None
        self.join(member)

    def leave(self, member: Membership) -> None:
        """Leave a room."""
        if self._sender is not None:
            self._sender.send(LEAVE_ROOM, (member.room,))

    def expect_replay(self, member: Membership, on_empty: Callable[[Membership], None]) -> None:
        """Call `on_empty` if no entry follows the answer to a join.

        This happens when retention has dropped the whole replay. The server sends the first frame
        of a replay right after the answer, and therefore before the answer to a later `ping`.
        """
        request, offset = member.request, member.resume_offset

        def answered(values: list[object] | None) -> None:
            is_empty = member.request == request and member.resume_offset == offset
            if values is not None and is_empty and not member.is_blocked:
                on_empty(member)

        if self._sender is not None:
            self._sender.request(PING, (), answered)

    def pause(self) -> None:
        """Hold back further events until tasks that await a join have run.

        Code that awaits a join must be able to subscribe before the first replayed event.
        """
        if self._sender is not None:
            self._sender.pause()
