"""What an application gives the server to call: `async` or plain functions."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from longwire.server.clients.socket import Socket

P = ParamSpec("P")
T = TypeVar("T")
Received = TypeVar("Received")

Handler = Callable[[Received, Socket], object]
"""Takes what a client sent; what it returns, or awaiting that gives, is the acknowledgement."""


def awaiting(function: Callable[P, Awaitable[T] | T]) -> Callable[P, Awaitable[T]]:
    """Return the function, in a form that can be awaited if its own cannot.

    A plain function runs on the event loop, so it has to return soon.
    """
    if inspect.iscoroutinefunction(function):
        return function

    @wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        answer = function(*args, **kwargs)
        return await cast("Awaitable[T]", answer) if inspect.isawaitable(answer) else answer

    return call
