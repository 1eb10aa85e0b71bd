"""The nodes that share a broker: which of them live, and questions to all of them.

Nodes send each other volatile messages through one internal room. A node is live for as long as it
was heard of within its lease; nothing about nodes is kept in a log.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec

from longwire.background import BackgroundTasks, new_future
from longwire.broker import Broker
from longwire.errors import BrokerUnavailable
from longwire.log.publication import Draft
from longwire.prepared import PreparedMessage
from longwire.server.rooms.hub import Hub

logger = logging.getLogger("longwire.server")

NODES_ROOM: Final = "control nodes"

# Messages that a live node sends within its lease: one that is lost or late does not matter.
BEATS_PER_LEASE: Final = 5

# Seconds to wait for the answers of other nodes.
ANSWER_TIMEOUT: Final = 1.0


class _Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message between nodes.

    Attributes:
        kind: `hello` asks the others for an `alive`; `gone` precedes the end of a node.
        node: the sender.
        id: relates an `answer` to an `ask`.
        topic: of an `ask`.
        data: the argument of an `ask`, or the answer.
    """

    kind: Literal["hello", "alive", "gone", "ask", "answer"]
    node: str
    id: str = ""
    topic: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


_decode: Final = msgspec.json.Decoder(_Message).decode


class Answers(msgspec.Struct, frozen=True):
    """The answers of the nodes to a question.

    Attributes:
        found: the answer of each node, by its name, as JSON; this node included.
        missing: the live nodes that did not answer in time.
    """

    found: Mapping[str, bytes]
    missing: tuple[str, ...]


class _Question:
    """A question that other nodes have yet to answer."""

    def __init__(self, asked: set[str]) -> None:
        self.waiting = asked
        self.found: dict[str, bytes] = {}
        self.answered: asyncio.Future[None] = new_future()

    def receive(self, node: str, data: bytes) -> None:
        self.found[node] = data
        self.waiting.discard(node)
        if not self.waiting and not self.answered.done():
            self.answered.set_result(None)


class Nodes:
    """This node among the others.

    Args:
        broker: carries the messages, if other nodes share it.
        hub: delivers them.
        lease: seconds of silence after which a node counts as dead.
        settle: seconds after which a node that has said that it stops counts as dead, so that its
            clients can come to another node first.

    Attributes:
        name: identifies this node until it stops.
    """

    def __init__(self, broker: Broker, hub: Hub, lease: float, settle: float) -> None:
        self._broker = broker
        self._hub = hub
        self._lease = lease
        self._settle = settle
        self.name = ""
        self._seen: dict[str, float] = {}
        self._handlers: dict[str, Callable[[bytes], object]] = {}
        self._on_death: Callable[[str], None] = lambda node: None
        self._questions: dict[str, _Question] = {}
        self._beat: asyncio.TimerHandle | None = None
        self._tasks = BackgroundTasks()

    def answer(self, topic: str, handler: Callable[[bytes], object]) -> None:
        """Answer questions about `topic` with what `handler` returns for the argument, both JSON.

        It must not raise, and must return soon.
        """
        self._handlers[topic] = handler

    def on_death(self, callback: Callable[[str], None]) -> None:
        """Call `callback` with the name of each node that has died or stopped."""
        self._on_death = callback

    @property
    def others(self) -> list[str]:
        """The names of the other live nodes."""
        return list(self._seen)

    def is_live(self, node: str) -> bool:
        """Return whether a node counts as live; this one does."""
        return node == self.name or node in self._seen

    def expect(self, node: str) -> None:
        """Count a node as live that a log names, until its lease has passed without a message."""
        if node != self.name:
            self._seen.setdefault(node, asyncio.get_running_loop().time())

    async def start(self) -> None:
        """Join the other nodes.

        Raises:
            BrokerUnavailable: they cannot be reached.
        """
        self.name = secrets.token_hex(6)
        self._seen.clear()
        if self._broker.is_shared:
            await self._hub.listen(NODES_ROOM, self._receive)
            await self._send(_Message("hello", self.name))
        self._schedule()

    async def close(self) -> None:
        """Leave the other nodes, as far as they can be reached."""
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None
        self._tasks.cancel()
        await self._tasks.wait(return_exceptions=True)
        if self._broker.is_shared and self.name:
            await self._try_send(_Message("gone", self.name))

    async def ask(
        self, topic: str, argument: object = None, timeout: float = ANSWER_TIMEOUT
    ) -> Answers:
        """Ask all live nodes, and return their answers; late ones are `missing`.

        Raises:
            BrokerUnavailable: the other nodes cannot be reached.
        """
        data = msgspec.json.encode(argument)
        own = msgspec.json.encode(self._handlers[topic](data))
        question = _Question(set(self._seen))
        if question.waiting:
            await self._ask(question, topic, data, timeout)
        return Answers({self.name: own} | question.found, tuple(sorted(question.waiting)))

    async def _ask(self, question: _Question, topic: str, data: bytes, timeout: float) -> None:
        id = secrets.token_hex(8)
        self._questions[id] = question
        try:
            await self._send(_Message("ask", self.name, id, topic, msgspec.Raw(data)))
            await asyncio.wait([question.answered], timeout=timeout)
        finally:
            del self._questions[id]

    # Messages

    async def _send(self, message: _Message) -> None:
        draft = Draft(NODES_ROOM, msgspec.json.encode(message))
        await self._broker.publish_volatile(NODES_ROOM, draft)

    async def _try_send(self, message: _Message) -> None:
        try:
            await self._send(message)
        except BrokerUnavailable as error:
            logger.info("%s", error)

    def _receive(self, prepared: PreparedMessage) -> None:
        try:
            message = _decode(prepared.data)
        except msgspec.MsgspecError:
            return  # of another version
        if message.node == self.name:
            return
        now = asyncio.get_running_loop().time()
        self._seen[message.node] = now
        match message.kind:
            case "hello":
                self._reply(_Message("alive", self.name))
            case "gone":
                self._seen[message.node] = now - self._lease + self._settle
            case "ask":
                self._answer(message)
            case "answer":
                question = self._questions.get(message.id)
                if question is not None:
                    question.receive(message.node, bytes(message.data))
            case _:
                pass

    def _answer(self, message: _Message) -> None:
        handler = self._handlers.get(message.topic)
        if handler is not None:
            data = msgspec.Raw(msgspec.json.encode(handler(bytes(message.data))))
            self._reply(_Message("answer", self.name, message.id, data=data))

    def _reply(self, message: _Message) -> None:
        self._tasks.start(self._try_send(message))

    # Leases

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._lease / BEATS_PER_LEASE
        self._beat = loop.call_at(due, self._run_beat, due)

    def _run_beat(self, due: float) -> None:
        self._tasks.start(self._keep_alive(due))

    async def _keep_alive(self, due: float) -> None:
        """Tell the others that this node lives, and end the leases of silent ones.

        A node that was suspended, busy or cut off did not hear of the others: then their leases
        start over.
        """
        loop = asyncio.get_running_loop()
        is_late = loop.time() - due > self._lease / BEATS_PER_LEASE
        try:
            if self._broker.is_shared:
                await self._send(_Message("alive", self.name))
        except BrokerUnavailable as error:
            logger.info("%s", error)
            is_late = True
        now = loop.time()
        if is_late:
            self._seen = dict.fromkeys(self._seen, now)
        for node in [node for node, seen in self._seen.items() if seen < now - self._lease]:
            del self._seen[node]
            self._on_death(node)
        self._schedule()
