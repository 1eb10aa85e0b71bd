"""Commands to Redis: sent as they come, answered in order, never waited for too long."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from redis.exceptions import MasterDownError, NoScriptError, ReadOnlyError, ResponseError

from longwire.broker.redis.connection.connection import Line
from longwire.errors import BrokerUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from longwire.broker.redis.connection.address import Address, Command, Opened, Reply

PATIENCE = 4.0
"""Seconds that a call waits for Redis to come back, or to answer: longer than a restart takes, and
still shorter than the five seconds after which HTTP clients commonly give up."""

# Redis has forgotten our scripts, or has become a replica: nothing was run, and it takes another
# connection to go on.
_NOT_RUN = (NoScriptError, ReadOnlyError, MasterDownError)


class Call:
    """A command and who waits for its reply.

    Attributes:
        command: made when it is sent, from the lineage of the connection.
        may_repeat: whether it does no harm if Redis runs it twice.
    """

    __slots__ = ("command", "deadline", "may_repeat", "reply")

    def __init__(
        self, command: Callable[[bytes], Command], deadline: float, *, may_repeat: bool
    ) -> None:
        self.command = command
        self.deadline = deadline
        self.may_repeat = may_repeat
        self.reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def fail(self, error: Exception) -> None:
        """Refuse, unless it was answered or given up."""
        if not self.reply.done():
            self.reply.set_exception(error)
            self.reply.exception()  # who called may have gone


class Commands:
    """Sends the calls of one loop tick together, without waiting for the replies of earlier ones.

    Args:
        gather: called before each lot is sent, to make the last calls of it.
        opened: called when there is a connection, for the first time or again.
    """

    def __init__(
        self,
        address: Address,
        gather: Callable[[], None] | None = None,
        opened: Callable[[Opened], None] | None = None,
    ) -> None:
        self._line = Line(address, self)
        self._gather = gather
        self._opened = opened
        self._lineage = b""
        self._waiting: deque[Call] = deque()
        self._sent: deque[Call] = deque()

    async def start(self) -> None:
        """Connect.

        Raises:
            BrokerUnavailable: Redis cannot be reached.
        """
        await self._line.start()

    async def close(self) -> None:
        """Refuse what was not answered, and let go of the connection."""
        await self._line.close()
        while self._waiting:
            self._waiting.popleft().fail(BrokerUnavailable("the broker is closed"))

    def wake(self) -> None:
        """Call `gather` within this tick."""
        if not self._line.is_open and self._gather is not None:
            self._gather()  # what waits for a connection does not wait for ever
        self._line.wake()

    def call(self, command: Callable[[bytes], Command], *, may_repeat: bool) -> Call:
        """Send a command with the next lot."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        call = Call(command, deadline, may_repeat=may_repeat)
        self._waiting.append(call)
        self._line.wake()
        return call

    async def ask(self, command: Callable[[bytes], Command]) -> Reply:
        """Send a command that may be repeated, and return its reply.

        Raises:
            BrokerUnavailable: there was no reply in time, or Redis refused.
        """
        return await self.call(command, may_repeat=True).reply

    def line_opened(self, opened: Opened) -> None:
        """Go on with a new connection; see `LineUser`."""
        self._lineage = opened.lineage
        if self._opened is not None:
            self._opened(opened)

    def line_ready(self) -> Sequence[Command]:
        """Send what waits; see `LineUser`."""
        if self._gather is not None:
            self._gather()
        lot = [call for call in self._waiting if not call.reply.done()]
        self._waiting.clear()
        self._sent.extend(lot)
        return [call.command(self._lineage) for call in lot]

    def line_received(self, reply: Reply) -> None:
        """Answer the oldest call; see `LineUser`."""
        call = self._sent.popleft()
        if not isinstance(reply, ResponseError):
            if not call.reply.done():
                call.reply.set_result(reply)
            return
        if isinstance(reply, _NOT_RUN):
            self._waiting.append(call)
            self._line.drop()
        else:
            call.fail(BrokerUnavailable(f"Redis refused: {reply}"))

    def line_lost(self) -> None:
        """Repeat what may be repeated, refuse the rest; see `LineUser`."""
        sent, self._sent = self._sent, deque()
        for call in reversed(sent):
            if call.may_repeat:
                self._waiting.appendleft(call)
            else:
                call.fail(BrokerUnavailable("lost Redis before it answered"))

    def line_silent(self) -> None:
        """Ask for a sign of life; see `LineUser`."""
        self.call(lambda _: ("PING",), may_repeat=True)

    def line_checked(self) -> None:
        """Refuse what has waited for too long; see `LineUser`."""
        now = asyncio.get_running_loop().time()
        for call in (*self._sent, *self._waiting):
            if call.deadline <= now:
                call.fail(BrokerUnavailable("Redis does not answer"))
        if not self._line.is_open:
            self._waiting = deque(call for call in self._waiting if not call.reply.done())
