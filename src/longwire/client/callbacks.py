"""Callbacks that hear of something; one that raises harms nobody else."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("longwire.client")

T = TypeVar("T")


def check_plain(function: object) -> None:
    """Refuse what cannot be called at once, and a coroutine function, which nobody would await.

    Raises:
        TypeError: it is no plain function.
    """
    if not callable(function) or inspect.iscoroutinefunction(function):
        raise TypeError(f"{function!r} is no plain function, which is what is called here")


class Observers(Generic[T]):
    """An ordered set of callbacks; each is called at once, in the order of registration.

    Attributes:
        callbacks: those that are registered.
    """

    __slots__ = ("callbacks",)

    def __init__(self) -> None:
        self.callbacks: dict[object, Callable[[T], object]] = {}

    def add(self, callback: Callable[[T], object]) -> Callable[[], None]:
        """Register; return the undo, which may be called more than once.

        Raises:
            TypeError: it is no plain function.
        """
        check_plain(callback)
        key = object()
        self.callbacks[key] = callback

        def remove() -> None:
            self.callbacks.pop(key, None)

        return remove

    def notify(self, value: T) -> None:
        """Call everyone; exceptions are logged."""
        for callback in list(self.callbacks.values()):
            try:
                callback(value)
            except Exception:
                logger.exception("an observer failed")
