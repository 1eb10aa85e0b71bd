"""Callbacks that the client calls synchronously; exceptions are logged."""

import inspect
import logging
from collections.abc import Callable
from typing import Generic, TypeVar

logger = logging.getLogger("longwire.client")

T = TypeVar("T")


def check_plain(function: object) -> None:
    """Reject a callback that is not callable, or a coroutine function that would not be awaited.

    Raises:
        TypeError: `function` is not a plain function.
    """
    if not callable(function) or inspect.iscoroutinefunction(function):
        raise TypeError(f"callback must be a plain function, got {function!r}")


class Observers(Generic[T]):
    """Callbacks that are called in the order of their registration.

    Attributes:
        callbacks: The registered callbacks.
    """

    __slots__ = ("callbacks",)

    def __init__(self) -> None:
        self.callbacks: dict[object, Callable[[T], object]] = {}

    def add(self, callback: Callable[[T], object]) -> Callable[[], None]:
        """Register a callback.

        Returns:
            A function that removes it; further calls have no effect.

        Raises:
            TypeError: `callback` is not a plain function.
        """
        check_plain(callback)
        key = object()
        self.callbacks[key] = callback

        def remove() -> None:
            self.callbacks.pop(key, None)

        return remove

    def notify(self, value: T) -> None:
        """Call all callbacks with `value`; log exceptions."""
        for callback in list(self.callbacks.values()):
            try:
                callback(value)
            except Exception:
                logger.exception("an observer failed")
