"""How one node asks another to let go of a client that has come over unnoticed."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

import msgspec

from longwire.log import Draft

if TYPE_CHECKING:
    from collections.abc import Callable

    from longwire.broker import Broker
    from longwire.prepared import PreparedMessage
    from longwire.server.rooms.hub import Hub

PATIENCE = 0.5
"""Seconds for a node to answer; one that is gone does not, and the client begins anew."""


class Handover:
    """One node's end of it. Private ids begin with the name of the node that gave them.

    Args:
        hub: what hears the other nodes.
        broker: what speaks to them.
        let_go: called with the private id of a client that is on another node now.
    """

    def __init__(self, hub: Hub, broker: Broker, let_go: Callable[[str], None]) -> None:
        self._hub = hub
        self._broker = broker
        self._let_go = let_go
        self._name = secrets.token_hex(4)

    def new_private_id(self) -> str:
        """Return a private id that says where it was given."""
        return f"{self._name}.{secrets.token_urlsafe(24)}"

    async def listen(self) -> None:
        """Let go of clients from now on when another node asks."""
        await self._hub.listen(_room(self._name), self._receive)

    async def ask(self, pid: str, answer: str) -> None:
        """Have the client's node let go of it; returns when something comes in the room `answer`.

        Returns without it too, after a while.

        Raises:
            BrokerUnavailable: the other nodes cannot be reached.
        """
        name, _, _ = pid.partition(".")
        if name == self._name or len(name) != len(self._name):
            return
        answered = asyncio.Event()

        def listener(message: PreparedMessage) -> None:
            answered.set()

        await self._hub.listen(answer, listener)
        try:
            request = Draft("recover", msgspec.json.encode({"pid": pid}))
            await self._broker.publish_volatile(_room(name), request)
            async with asyncio.timeout(PATIENCE):
                await answered.wait()
        except TimeoutError:
            pass
        finally:
            await self._hub.unlisten(answer, listener)

    def _receive(self, message: PreparedMessage) -> None:
        self._let_go(msgspec.json.decode(message.data)["pid"])


def _room(name: str) -> str:
    return f"recovery of {name}"
