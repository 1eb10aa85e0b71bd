"""Where the token comes from."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from longwire.client.outcome import observe
from longwire.errors import AuthenticationError, NotConnected

TokenSource = str | Callable[[], str | Awaitable[str]] | None
"""A token, or a function (async or not) that is asked for one before every connection."""


class _Question:
    """One question to a provider, and how many wait for its answer."""

    __slots__ = ("answer", "provider", "waiting")

    def __init__(self, provider: Callable[[], str | Awaitable[str]]) -> None:
        self.provider = provider
        self.answer = asyncio.create_task(self._ask(), name="longwire token")
        self.answer.add_done_callback(observe)
        self.waiting = 0

    async def _ask(self) -> str | None:
        answer: Any = self.provider()
        token = await answer if inspect.isawaitable(answer) else answer
        if token is None or isinstance(token, str):
            return token
        raise AuthenticationError(f"the token provider gave {type(token).__name__}, no string")


class Tokens:
    """Gives the token of the next attempt; concurrent requests of a provider collapse into one.

    Attributes:
        source: where it comes from now.
    """

    __slots__ = ("_question", "source")

    def __init__(self, source: TokenSource) -> None:
        self.source = source
        self._question: _Question | None = None

    @property
    def can_refresh(self) -> bool:
        """Whether asking again may give another token."""
        return callable(self.source)

    async def get(self) -> str | None:
        """Return the token to use now; a provider's other exceptions pass through.

        A provider is cancelled when nobody waits for it any more.

        Raises:
            AuthenticationError: a provider gave no string.
            NotConnected: a provider failed with an error of its own network or files.
        """
        if not callable(self.source):
            return self.source
        question = self._question
        if question is None or question.answer.done() or question.provider is not self.source:
            question = self._question = _Question(self.source)
        question.waiting += 1
        try:
            await asyncio.wait([question.answer])
        finally:
            question.waiting -= 1
            if not question.waiting:
                question.answer.cancel()
        if question.answer.cancelled():
            raise AuthenticationError("the token provider was cancelled")
        try:
            return question.answer.result()
        except OSError as error:  # TimeoutError is one: told as such it would be the server's
            reason = str(error) or type(error).__name__
            raise NotConnected(f"no token from its provider: {reason}") from error
