"""Asks all nodes the same question, and decodes their answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from longwire.server.control.nodes import Nodes

A = TypeVar("A")
R = TypeVar("R")

_PREFIX = "admin "


class Topic(Generic[A, R]):
    """A question that every node can answer about itself.

    Args:
        name: identifies it between nodes.
        argument: the type of its argument.
        result: the type of the answer.
        handler: answers for this node, from its live objects. Must return soon.
    """

    def __init__(self, name: str, argument: Any, result: Any, handler: Callable[[A], R]) -> None:
        self.name = _PREFIX + name
        self._decode_argument: Callable[[bytes], A] = msgspec.json.Decoder(argument).decode
        self._decode_result: Callable[[bytes], R] = msgspec.json.Decoder(result).decode
        self._handler = handler

    def answer(self, argument: A) -> R:
        """Return the answer of this node."""
        return self._handler(argument)

    def answer_encoded(self, argument: bytes) -> object:
        """Answer a question of another node; None if another version asks."""
        try:
            return self._handler(self._decode_argument(argument))
        except msgspec.MsgspecError:
            return None

    def decode(self, answer: bytes) -> R:
        """Return the answer of a node.

        Raises:
            MsgspecError: the node has another version.
        """
        return self._decode_result(answer)


class Cluster:
    """This node and the others that share its broker.

    Args:
        nodes: asks the others.
        name: the name of this node.
    """

    def __init__(self, nodes: Nodes, name: str) -> None:
        self._nodes = nodes
        # The names that the others gave themselves, by the names that the broker's messages have.
        self._names: dict[str, str] = {}
        self._name_topic: Topic[None, str] = Topic("name", None, str, lambda _: name)
        self.serve(self._name_topic)

    def serve(self, topic: Topic[Any, Any]) -> None:
        """Answer the questions of other nodes about a topic."""
        self._nodes.answer(topic.name, topic.answer_encoded)

    async def ask(self, topic: Topic[A, R], argument: A) -> tuple[list[R], list[str]]:
        """Return the answers of all nodes, and the names of those that did not answer in a second.

        Raises:
            BrokerUnavailable: the other nodes cannot be reached.
        """
        if not self._nodes.others:
            return [topic.answer(argument)], []
        answers = await self._nodes.ask(topic.name, argument)
        found: list[R] = []
        missing = list(answers.missing)
        for node, data in answers.found.items():
            try:
                found.append(topic.decode(data))
            except msgspec.MsgspecError:
                missing.append(node)
        if not self._names.keys() >= set(answers.found):
            await self._learn_names()
        return found, [self._names.get(node, node) for node in missing]

    async def _learn_names(self) -> None:
        live = {self._nodes.name, *self._nodes.others}
        self._names = {node: name for node, name in self._names.items() if node in live}
        answers = await self._nodes.ask(self._name_topic.name)
        for node, data in answers.found.items():
            try:
                self._names[node] = self._name_topic.decode(data)
            except msgspec.MsgspecError:
                self._names[node] = node
