"""The arguments of an event on their way to a handler, and the answer that the server expects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Arguments = tuple[Any, ...]

Answer = Callable[[Arguments], None]
"""Sends an acknowledgement with these values."""


class Question(Arguments):
    """The arguments of an event that the server wants acknowledged.

    Attributes:
        answer: Sends the acknowledgement; the handler's runner calls it once.
    """

    answer: Answer

    @classmethod
    def ask(cls, arguments: Arguments, answer: Answer) -> Question:
        """Attach `answer` to an event's arguments."""
        question = cls(arguments)
        question.answer = answer
        return question


def values_of(result: Any) -> Arguments:
    """Return the values of an acknowledgement: none for None, a tuple's items, or the result."""
    if result is None:
        return ()
    values: Any = result
    return values if isinstance(result, tuple) else (result,)
