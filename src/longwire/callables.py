"""Callables that an application passes in, plain or `async`."""

import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")


def awaiting(function: Callable[P, Awaitable[T] | T]) -> Callable[P, Awaitable[T]]:
    """Return a function that can be awaited, whether the given one is `async` or not.

    A plain function runs on the event loop, so it must not block.
    """
    if inspect.iscoroutinefunction(function):
        return function

    @wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        result = function(*args, **kwargs)
        return await cast("Awaitable[T]", result) if inspect.isawaitable(result) else result

    return call
