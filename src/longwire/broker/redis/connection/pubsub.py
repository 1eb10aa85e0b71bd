"""The doorbell: what Redis tells this node as it happens, and may lose."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from redis.exceptions import ResponseError

from longwire.broker.redis.connection.connection import Line
from longwire.errors import BrokerUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from longwire.broker.redis.connection.address import Address, Command, Opened, Reply

# Channels in one command: a node that comes back names all of its rooms again.
MAX_CHANNELS = 1_000


class Doorbell:
    """The channels that this node listens to, through whatever connection there is.

    Args:
        rung: called with a channel's name and what it said.
        opened: called when there is another connection; what was said meanwhile is lost.
    """

    def __init__(
        self, address: Address, rung: Callable[[bytes, bytes], None], opened: Callable[[], None]
    ) -> None:
        self._line = Line(address, self)
        self._rung = rung
        self._opened = opened
        self._channels: set[bytes] = set()
        self._news: list[Command] = []
        self._awaited: dict[bytes, asyncio.Future[None]] = {}

    async def start(self) -> None:
        """Connect.

        Raises:
            BrokerUnavailable: Redis cannot be reached.
        """
        await self._line.start()

    async def close(self) -> None:
        """Let go of the connection and of all channels."""
        self._channels.clear()
        self._awaited.clear()
        await self._line.close()

    async def listen(self, channel: bytes, patience: float) -> None:
        """Hear a channel from now on; when it returns, nothing that is said later is missed.

        Raises:
            BrokerUnavailable: Redis did not confirm it in time.
        """
        self._channels.add(channel)
        if channel not in self._awaited:
            self._awaited[channel] = asyncio.get_running_loop().create_future()
            self._send((b"SUBSCRIBE", channel))
        try:
            async with asyncio.timeout(patience):
                await asyncio.shield(self._awaited[channel])
        except TimeoutError:
            raise BrokerUnavailable("Redis does not answer") from None

    def unlisten(self, channel: bytes) -> None:
        """Hear a channel no more."""
        self._channels.discard(channel)
        self._awaited.pop(channel, None)
        self._send((b"UNSUBSCRIBE", channel))

    def line_opened(self, opened: Opened) -> None:
        """Listen to all channels again; see `LineUser`."""
        channels = sorted(self._channels)
        self._news = [
            (b"SUBSCRIBE", *channels[start : start + MAX_CHANNELS])
            for start in range(0, len(channels), MAX_CHANNELS)
        ]
        self._opened()

    def line_ready(self) -> Sequence[Command]:
        """Send what has changed; see `LineUser`."""
        news, self._news = self._news, []
        return news

    def line_received(self, reply: Reply) -> None:
        """Pass on what was said, and confirm; see `LineUser`."""
        if isinstance(reply, ResponseError):
            raise reply
        kind, channel, said = reply[0], reply[1], reply[-1]
        if kind == b"message":
            self._rung(channel, said)
        elif kind == b"subscribe" and channel in self._awaited:
            awaited = self._awaited.pop(channel)
            if not awaited.done():
                awaited.set_result(None)

    def line_lost(self) -> None:
        """Wait for the next connection; see `LineUser`."""

    def line_silent(self) -> None:
        """Ask for a sign of life; see `LineUser`."""
        self._send((b"PING",))

    def line_checked(self) -> None:
        """Nothing waits here for long; see `LineUser`."""

    def _send(self, command: Command) -> None:
        if self._line.is_open:  # a line that opens asks for all channels anyway
            self._news.append(command)
            self._line.wake()
