"""Where the token comes from."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable

TokenSource = str | Callable[[], str | Awaitable[str]] | None
"""A token, or a function (async or not) that is asked for one before every connection."""


class Tokens:
    """Gives the token of the next attempt; concurrent requests of a provider collapse into one."""

    __slots__ = ("_pending", "source")

    def __init__(self, source: TokenSource) -> None:
        self.source = source
        self._pending: asyncio.Future[str] | None = None

    @property
    def can_refresh(self) -> bool:
        """Whether asking again may give another token."""
        return callable(self.source)

    async def get(self) -> str | None:
        """Return the token to use now; a provider's exceptions pass through."""
        if not callable(self.source):
            return self.source
        if self._pending is None or self._pending.done():
            self._pending = asyncio.ensure_future(self._ask(self.source))
        return await asyncio.shield(self._pending)

    def cancel(self) -> None:
        """Stop asking."""
        if self._pending is not None:
            self._pending.cancel()

    @staticmethod
    async def _ask(provider: Callable[[], str | Awaitable[str]]) -> str:
        answer = provider()
        return await answer if inspect.isawaitable(answer) else answer
