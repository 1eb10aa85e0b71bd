"""Replacing the token of a connection in place."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from longwire.client.outcome import new_outcome
from longwire.errors import AuthenticationError, CallTimeout, NotConnected

if TYPE_CHECKING:
    from collections.abc import Callable

    from longwire.client.connection.tokens import Tokens, TokenSource

logger = logging.getLogger("longwire.client")


class Renewal:
    """Sends the newest token over the present connection, and hears what the server says to it.

    Args:
        tokens: gives the token.
        timeout: seconds to wait for the answer.
        send: sends the event `auth`; False without a connection.
    """

    __slots__ = ("_answer", "_send", "_task", "_timeout", "_tokens")

    def __init__(self, tokens: Tokens, timeout: float, send: Callable[[str | None], bool]) -> None:
        self._tokens = tokens
        self._timeout = timeout
        self._send = send
        self._answer: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    async def replace(self, source: TokenSource) -> None:
        """Take the token from another source, unless the server refuses it; see `renew`."""
        old, self._tokens.source = self._tokens.source, source
        try:
            await self.renew()
        except AuthenticationError:
            if self._tokens.source is source:
                self._tokens.source = old
            raise

    async def renew(self) -> None:
        """Send the newest token.

        Raises:
            AuthenticationError: the server refused it; the old one counts until it expires.
            NotConnected: the connection ended meanwhile.
            CallTimeout: no answer came, as from a stock Socket.IO server.
        """
        if not self._send(await self._tokens.get()):
            raise NotConnected("the token is used with the next connection")
        if self._answer is None or self._answer.done():
            self._answer = new_outcome()
        try:
            async with asyncio.timeout(self._timeout):
                await asyncio.shield(self._answer)
        except TimeoutError:
            raise CallTimeout(f"no answer to the new token in {self._timeout:g} s") from None

    def receive_expiring(self, _values: list[object]) -> None:
        """The token ends soon: ask the provider for another one, if there is a provider."""
        if self._tokens.can_refresh and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._renew_quietly(), name="longwire token")

    def receive_refusal(self, values: list[object]) -> None:
        """The server refused the token."""
        message = str(values[0]) if values else "the token was refused"
        self.settle(AuthenticationError(message))

    def settle(self, error: Exception | None) -> None:
        """The server took the token, or that will not happen."""
        if self._answer is None or self._answer.done():
            return
        if error is None:
            self._answer.set_result(None)
        else:
            self._answer.set_exception(error)

    def cancel(self) -> None:
        """Renew it no more by itself."""
        if self._task is not None:
            self._task.cancel()

    async def _renew_quietly(self) -> None:
        try:
            await self.renew()
        except Exception as error:
            logger.warning("the token could not be refreshed: %s", error)
