"""Callbacks that hear of something; one that raises harms nobody else."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("longwire.client")

T = TypeVar("T")


class Observers(Generic[T]):
    """An ordered set of callbacks; each is called at once, in the order of registration."""

    __slots__ = ("_callbacks",)

    def __init__(self) -> None:
        self._callbacks: dict[object, Callable[[T], object]] = {}

    def __bool__(self) -> bool:
        return bool(self._callbacks)

    def add(self, callback: Callable[[T], object]) -> Callable[[], None]:
        """Register; return the undo, which may be called more than once."""
        key = object()
        self._callbacks[key] = callback

        def remove() -> None:
            self._callbacks.pop(key, None)

        return remove

    def notify(self, value: T) -> None:
        """Call everyone; exceptions are logged."""
        for callback in list(self._callbacks.values()):
            try:
                callback(value)
            except Exception:
                logger.exception("an observer failed")
