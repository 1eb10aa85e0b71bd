"""Commands to Redis: pipelined, with a timeout, repeated after a reconnect where that is safe."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from redis.exceptions import MasterDownError, NoScriptError, ReadOnlyError, ResponseError

from longwire.background import new_future
from longwire.broker.redis.connection.address import Address, Command, ReadyConnection, Reply
from longwire.broker.redis.connection.connection import ReconnectingConnection
from longwire.errors import BrokerUnavailable

CALL_TIMEOUT = 4.0
"""Seconds that a call waits for a reply or for Redis to come back: longer than a restart takes, and
shorter than the five seconds after which HTTP clients commonly time out."""

# Redis has lost the scripts, or has become a replica. It has not run the command; another
# connection loads the scripts again, or finds the new primary.
_NOT_RUN = (NoScriptError, ReadOnlyError, MasterDownError)


@dataclass(eq=False, repr=False, slots=True)
class Call:
    """A command and the future of its reply.

    Attributes:
        command: builds the command when it is sent, from the lineage of the connection.
        may_repeat: whether it is safe that Redis runs the command twice.
    """

    command: Callable[[bytes], Command]
    deadline: float
    may_repeat: bool
    reply: asyncio.Future[Reply] = field(default_factory=new_future)

    def fail(self, error: Exception) -> None:
        """Raise `error` at the caller, unless it has the reply or was cancelled."""
        if not self.reply.done():
            self.reply.set_exception(error)
            self.reply.exception()  # no "exception was never retrieved" if the caller has gone


class Commands:
    """Sends the calls of one event loop iteration together, without waiting for earlier replies.

    Args:
        address: the address of Redis.
        gather: called before commands are sent; it may add more calls.
        timeout: seconds after which a call raises `BrokerUnavailable`.
    """

    def __init__(
        self,
        address: Address,
        gather: Callable[[], None] | None = None,
        *,
        timeout: float = CALL_TIMEOUT,
    ) -> None:
        self._connection = ReconnectingConnection(address, self)
        self._gather = gather
        self._timeout = timeout
        self._lineage = b""
        self._waiting: deque[Call] = deque()
        self._sent: deque[Call] = deque()

    async def start(self) -> None:
        """Connect.

        Raises:
            BrokerUnavailable: Redis cannot be reached.
        """
        await self._connection.start()

    async def close(self) -> None:
        """Close the connection; calls without a reply raise `BrokerUnavailable`."""
        await self._connection.close()
        while self._waiting:
            self._waiting.popleft().fail(BrokerUnavailable("the broker is closed"))

    def wake(self) -> None:
        """Call `gather` within this iteration of the event loop."""
        if not self._connection.is_open and self._gather is not None:
            self._gather()  # start the timeout of these calls now, not after a reconnect
        self._connection.wake()

    def call(self, command: Callable[[bytes], Command], *, may_repeat: bool) -> Call:
        """Queue a command."""
        deadline = asyncio.get_running_loop().time() + self._timeout
        call = Call(command, deadline, may_repeat=may_repeat)
        self._waiting.append(call)
        self._connection.wake()
        return call

    async def ask(self, command: Callable[[bytes], Command]) -> Reply:
        """Send a command that may be repeated, and return its reply.

        Raises:
            BrokerUnavailable: Redis did not reply in time, or replied with an error.
        """
        return await self.call(command, may_repeat=True).reply

    def connection_opened(self, ready: ReadyConnection) -> None:
        """Use the lineage of the new connection; see `ConnectionOwner`."""
        self._lineage = ready.lineage

    def commands_to_send(self) -> Sequence[Command]:
        """Return the queued commands; see `ConnectionOwner`."""
        if self._gather is not None:
            self._gather()
        calls = [call for call in self._waiting if not call.reply.done()]
        self._waiting.clear()
        self._sent.extend(calls)
        return [call.command(self._lineage) for call in calls]

    def receive_reply(self, reply: Reply) -> None:
        """Pass the reply to the oldest call; see `ConnectionOwner`."""
        call = self._sent.popleft()
        if not isinstance(reply, ResponseError):
            if not call.reply.done():
                call.reply.set_result(reply)
            return
        if isinstance(reply, _NOT_RUN):
            self._waiting.append(call)
            self._connection.drop()
        else:
            call.fail(BrokerUnavailable(f"Redis replied with an error: {reply}"))

    def connection_lost(self) -> None:
        """Queue the calls again that may be repeated, fail the others; see `ConnectionOwner`."""
        sent, self._sent = self._sent, deque()
        for call in reversed(sent):
            if call.may_repeat:
                self._waiting.appendleft(call)
            else:
                call.fail(BrokerUnavailable("lost the connection to Redis before it replied"))

    def send_ping(self) -> None:
        """Queue a PING; see `ConnectionOwner`."""
        self.call(lambda _: ("PING",), may_repeat=True)

    def check_deadlines(self) -> None:
        """Fail the calls that have timed out; see `ConnectionOwner`."""
        now = asyncio.get_running_loop().time()
        for call in (*self._sent, *self._waiting):
            if call.deadline <= now:
                call.fail(BrokerUnavailable(f"Redis did not answer within {self._timeout:g} s"))
        if not self._connection.is_open:
            self._waiting = deque(call for call in self._waiting if not call.reply.done())
