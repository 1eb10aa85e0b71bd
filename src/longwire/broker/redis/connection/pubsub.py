"""Pub/sub: messages of the subscribed channels. Redis may lose messages.

redis-py's `PubSub` does not replace this: it reconnects without notifying its user, who has to
know when messages may have been lost, and concurrent subscribes hang if Redis restarts meanwhile.
"""

import asyncio
from collections.abc import Callable, Sequence

from redis.exceptions import ResponseError

from longwire.broker.redis.connection.address import Address, Command, ReadyConnection, Reply
from longwire.broker.redis.connection.connection import ReconnectingConnection
from longwire.errors import BrokerUnavailable

MAX_CHANNELS = 1_000
"""Channels in one SUBSCRIBE command: after a reconnect, all channels are subscribed again."""


class PubSubConnection:
    """The channels that this node subscribes to, through a connection that reconnects.

    Args:
        address: the address of Redis.
        on_message: called with the channel and the payload of each message.
        on_open: called for each new connection; messages sent in the meantime are lost.
        on_lost: called when the connection is lost: no messages arrive until `on_open`.
        timeout: seconds that `subscribe` waits for the confirmation.
    """

    def __init__(
        self,
        address: Address,
        on_message: Callable[[bytes, bytes], None],
        on_open: Callable[[], None],
        on_lost: Callable[[], None],
        timeout: float,
    ) -> None:
        self._connection = ReconnectingConnection(address, self)
        self._on_message = on_message
        self._on_open = on_open
        self._on_lost = on_lost
        self._timeout = timeout
        self._channels: set[bytes] = set()
        self._commands: list[Command] = []
        self._unconfirmed: dict[bytes, asyncio.Future[None]] = {}

    async def start(self) -> None:
        """Connect.

        Raises:
            BrokerUnavailable: Redis cannot be reached.
        """
        await self._connection.start()

    async def close(self) -> None:
        """Close the connection and unsubscribe from all channels."""
        self._channels.clear()
        self._unconfirmed.clear()
        await self._connection.close()

    async def subscribe(self, channel: bytes) -> None:
        """Subscribe to a channel, and return once Redis has confirmed it.

        Raises:
            BrokerUnavailable: Redis did not confirm it in time.
        """
        self._channels.add(channel)
        if channel not in self._unconfirmed:
            self._unconfirmed[channel] = asyncio.get_running_loop().create_future()
            self._send((b"SUBSCRIBE", channel))
        try:
            async with asyncio.timeout(self._timeout):
                await asyncio.shield(self._unconfirmed[channel])
        except TimeoutError:
            raise BrokerUnavailable(f"Redis did not answer within {self._timeout:g} s") from None

    def unsubscribe(self, channel: bytes) -> None:
        """Unsubscribe from a channel."""
        self._channels.discard(channel)
        self._unconfirmed.pop(channel, None)
        self._send((b"UNSUBSCRIBE", channel))

    def connection_opened(self, ready: ReadyConnection) -> None:
        """Subscribe to all channels again; see `ConnectionOwner`."""
        channels = sorted(self._channels)
        self._commands = [
            (b"SUBSCRIBE", *channels[start : start + MAX_CHANNELS])
            for start in range(0, len(channels), MAX_CHANNELS)
        ]
        self._on_open()

    def commands_to_send(self) -> Sequence[Command]:
        """Return the queued commands; see `ConnectionOwner`."""
        commands, self._commands = self._commands, []
        return commands

    def receive_reply(self, reply: Reply) -> None:
        """Pass on a message, or confirm a subscription; see `ConnectionOwner`."""
        if isinstance(reply, ResponseError):
            raise reply
        kind, channel, payload = reply[0], reply[1], reply[-1]
        if kind == b"message":
            self._on_message(channel, payload)
        elif kind == b"subscribe" and channel in self._unconfirmed:
            confirmed = self._unconfirmed.pop(channel)
            if not confirmed.done():
                confirmed.set_result(None)

    def connection_lost(self) -> None:
        """Report it; `connection_opened` restores the subscriptions; see `ConnectionOwner`."""
        self._on_lost()

    def send_ping(self) -> None:
        """Queue a PING; see `ConnectionOwner`."""
        self._send((b"PING",))

    def check_deadlines(self) -> None:
        """Do nothing: `subscribe` has its own timeout; see `ConnectionOwner`."""

    def _send(self, command: Command) -> None:
        if self._connection.is_open:  # otherwise `connection_opened` subscribes to all channels
            self._commands.append(command)
            self._connection.wake()
