"""Where a client's token comes from, and how a connection replaces its token."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from longwire.background import new_optional_future, retrieve_exception
from longwire.errors import AuthenticationError, CallTimeout, NotConnected

logger = logging.getLogger("longwire.client")

TokenSource = str | Callable[[], str | Awaitable[str]] | None
"""A token, or a function (sync or async) that is called for one before every connection."""


class _ProviderCall:
    """One call of a token provider, and the number of tasks that wait for its result."""

    def __init__(self, provider: Callable[[], str | Awaitable[str]]) -> None:
        self.provider = provider
        self.result = asyncio.create_task(self._call(), name="longwire token")
        self.result.add_done_callback(retrieve_exception)
        self.waiting = 0

    async def _call(self) -> str | None:
        result: Any = self.provider()
        token = await result if inspect.isawaitable(result) else result
        if token is None or isinstance(token, str):
            return token
        raise AuthenticationError(f"the token provider returned {type(token).__name__}, not str")


class Tokens:
    """Returns the token for the next attempt; concurrent calls of a provider are merged into one.

    Attributes:
        source: The token, or the function that returns it.
    """

    def __init__(self, source: TokenSource) -> None:
        self.source = source
        self._call: _ProviderCall | None = None

    @property
    def can_refresh(self) -> bool:
        """Whether a provider may return another token the next time."""
        return callable(self.source)

    async def get(self) -> str | None:
        """Return the current token.

        A provider is cancelled when the last task that waits for it is cancelled. Its exceptions
        pass through, except the ones below.

        Raises:
            AuthenticationError: A provider did not return a string, or was cancelled.
            NotConnected: A provider raised an OSError: its own network or files failed.
        """
        if not callable(self.source):
            return self.source
        call = self._call
        if call is None or call.result.done() or call.provider is not self.source:
            call = self._call = _ProviderCall(self.source)
        call.waiting += 1
        try:
            await asyncio.wait([call.result])
        finally:
            call.waiting -= 1
            if not call.waiting:
                call.result.cancel()
        if call.result.cancelled():
            raise AuthenticationError("the token provider was cancelled")
        try:
            return call.result.result()
        except OSError as error:  # TimeoutError is one, and would look like the server's
            reason = str(error) or type(error).__name__
            raise NotConnected(f"no token from its provider: {reason}") from error


class Renewal:
    """Replaces the token of one connection in place, when the server or the caller asks for it.

    Args:
        tokens: Returns the new token.
        timeout: Seconds to wait for the server's answer.
        send: Sends the event `auth` over the connection; returns False if that has ended.
    """

    def __init__(self, tokens: Tokens, timeout: float, send: Callable[[str | None], bool]) -> None:
        self._tokens = tokens
        self._timeout = timeout
        self._send = send
        self._answer: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    async def replace(self, source: TokenSource) -> None:
        """Take the token from another source, unless the server rejects it; see `renew`."""
        old, self._tokens.source = self._tokens.source, source
        try:
            await self.renew()
        except AuthenticationError:
            if self._tokens.source is source:
                self._tokens.source = old
            raise

    async def renew(self) -> None:
        """Send the current token.

        Raises:
            AuthenticationError: The server rejected it; the old one stays valid until it expires.
            NotConnected: The connection ended before the answer.
            CallTimeout: No answer came, for example from a stock Socket.IO server.
        """
        if not self._send(await self._tokens.get()):
            raise NotConnected("the connection ended; the next one uses the new token")
        if self._answer is None or self._answer.done():
            self._answer = new_optional_future()
        try:
            async with asyncio.timeout(self._timeout):
                await asyncio.shield(self._answer)
        except TimeoutError:
            raise CallTimeout(f"no answer to the new token within {self._timeout:g} s") from None

    def receive_expiring(self, _values: list[object]) -> None:
        """Handle that the token expires soon: renew it, if there is a provider.

        A notice during a renewal is about the old token, unless the answer has arrived: then the
        new token expires soon, too, although the task of its renewal has not ended yet.
        """
        has_answer = self._answer is not None and self._answer.done()
        is_renewing = self._task is not None and not self._task.done() and not has_answer
        if self._tokens.can_refresh and not is_renewing:
            self._answer = None if has_answer else self._answer
            self._task = asyncio.create_task(self._renew_quietly(), name="longwire token")

    def receive_rejection(self, values: list[object]) -> None:
        """Handle that the server rejected the new token."""
        message = str(values[0]) if values else "the token was rejected"
        self.settle(AuthenticationError(message))

    def settle(self, error: Exception | None) -> None:
        """Report to `renew` that the server accepted the token, or why it did not."""
        if self._answer is None or self._answer.done():
            return
        if error is None:
            self._answer.set_result(None)
        else:
            self._answer.set_exception(error)

    def cancel(self) -> None:
        """Cancel a renewal that the server asked for."""
        if self._task is not None:
            self._task.cancel()

    async def _renew_quietly(self) -> None:
        try:
            await self.renew()
        except Exception as error:
            logger.warning("the token could not be renewed: %s", error)
