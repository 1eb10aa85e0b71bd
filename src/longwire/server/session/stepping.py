"""Awaitables that were stepped by hand, to see whether they have to wait at all."""

from __future__ import annotations

import operator
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator


@types.coroutine
def go_on(
    steps: Coroutine[Any, Any, None] | Generator[Any, Any, None],
    awaited: object,
    run: Callable[..., Any] = operator.call,
) -> Generator[Any, Any, None]:
    """Await what was stepped already.

    Args:
        steps: a coroutine, or what `__await__` gave.
        awaited: what its last step wants to wait for.
        run: calls each further step, such as in a context.
    """
    try:
        while True:
            try:
                sent = yield awaited
            except BaseException as error:
                awaited = run(steps.throw, error)
            else:
                awaited = run(steps.send, sent)
    except StopIteration:
        pass
