"""Asks another node to close a connection whose client now recovers on this node.

Without it, a client that changes nodes before its old connection is known to be dead could not
recover: the old node stores its record only when the connection closes.
"""

import asyncio
import secrets
from collections.abc import Callable

import msgspec

from longwire.broker import Broker
from longwire.log.publication import Draft
from longwire.prepared import PreparedMessage
from longwire.server.rooms.hub import Hub

ANSWER_TIMEOUT = 0.5
"""Seconds to wait for another node. A dead node does not answer; its client cannot recover."""


class Handover:
    """Sends and answers requests of one node. A private id begins with its node's name.

    Args:
        hub: receives what other nodes publish.
        broker: publishes to other nodes.
        close: closes the connection with a private id.
    """

    def __init__(self, hub: Hub, broker: Broker, close: Callable[[str], None]) -> None:
        self._hub = hub
        self._broker = broker
        self._close = close
        self._name = secrets.token_hex(4)

    def new_private_id(self) -> str:
        """Return a private id that names this node."""
        return f"{self._name}.{secrets.token_urlsafe(24)}"

    async def listen(self) -> None:
        """Close connections from now on when another node asks for it."""
        await self._hub.listen(_room(self._name), self._receive)

    async def ask(self, pid: str, answer: str) -> None:
        """Ask the node that created `pid` to close the connection and store its record.

        Returns when something is published to the room `answer`, or after `ANSWER_TIMEOUT`.

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
            async with asyncio.timeout(ANSWER_TIMEOUT):
                await answered.wait()
        except TimeoutError:
            pass
        finally:
            await self._hub.unlisten(answer, listener)

    def _receive(self, message: PreparedMessage) -> None:
        self._close(msgspec.json.decode(message.data)["pid"])


def _room(name: str) -> str:
    return f"recovery of {name}"
