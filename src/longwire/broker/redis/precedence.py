"""Delivers some rooms before all others once the connection to Redis was lost.

A node that was cut off may have missed a revocation. Until it has read the rooms with precedence,
it must deliver nothing of other rooms, whichever of its connections comes back first.
"""

import asyncio
from collections.abc import Awaitable, Callable

from longwire.background import BackgroundTasks, new_future
from longwire.broker.redis.subscription import RETRY_DELAY, RoomSubscription
from longwire.errors import BrokerUnavailable


class Precedence:
    """Tracks whether the rooms with precedence are current on this node.

    They are while notifications arrive. `lose` ends that, and `restore` begins to read them.

    Args:
        confirm: subscribes to a room's notifications, again if need be, and waits for Redis to
            confirm it. A log that is read before that could grow without notice.
        timeout: seconds that `until_current` waits.
    """

    def __init__(self, confirm: Callable[[str], Awaitable[None]], timeout: float) -> None:
        self._confirm = confirm
        self._timeout = timeout
        self._subscriptions: dict[str, RoomSubscription] = {}
        self._current: asyncio.Future[None] | None = None  # None while the rooms are current
        self._tasks = BackgroundTasks()

    def add(self, subscription: RoomSubscription) -> None:
        """Give a room precedence."""
        self._subscriptions[subscription.name] = subscription

    def has(self, room: str) -> bool:
        """Return whether a room has precedence."""
        return room in self._subscriptions

    def lose(self) -> None:
        """Note that notifications no longer arrive."""
        self._tasks.cancel()
        if self._subscriptions and self._current is None:
            self._current = new_future()

    def restore(self) -> None:
        """Read what the rooms' logs grew by, now that notifications arrive again."""
        if self._current is not None:
            self._tasks.start(self._restore(self._current))

    async def until_current(self) -> None:
        """Wait while the rooms are not current.

        Raises:
            BrokerUnavailable: they do not become so within the timeout.
        """
        while self._current is not None:
            done, _ = await asyncio.wait([self._current], timeout=self._timeout)
            if not done:
                raise BrokerUnavailable("this node is cut off from Redis")

    async def close(self) -> None:
        """Stop reading, and forget the rooms."""
        self._subscriptions.clear()
        self._tasks.cancel()
        await self._tasks.wait(return_exceptions=True)
        if self._current is not None:
            self._finish(self._current)

    async def _restore(self, current: asyncio.Future[None]) -> None:
        for room, subscription in list(self._subscriptions.items()):
            await self._confirm_until_done(room)
            subscription.catch_up()
            await subscription.until_caught_up()
        self._finish(current)

    async def _confirm_until_done(self, room: str) -> None:
        while True:
            try:
                await self._confirm(room)
                return
            except BrokerUnavailable:
                await asyncio.sleep(RETRY_DELAY)

    def _finish(self, current: asyncio.Future[None]) -> None:
        self._current = None
        if not current.done():
            current.set_result(None)
