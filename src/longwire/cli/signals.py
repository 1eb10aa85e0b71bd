"""The signals that end a command."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """What told the command to end.

    Attributes:
        signal: the first signal that came, if any.
    """

    __slots__ = ("signal",)

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    @property
    def exit_code(self) -> int:
        """128 + n for a command that ends because of signal n; 0 without one."""
        return 0 if self.signal is None else 128 + self.signal


@contextmanager
def stopping(react: Callable[[], object] | None = None) -> Generator[Stop]:
    """Let SIGINT, SIGTERM and SIGHUP end the task that runs the body.

    Each signal cancels it: the first one begins the clean-up, another one cuts that short.

    Args:
        react: is called for each signal instead.
    """
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    stop = Stop()

    def receive(number: signal.Signals) -> None:
        stop.signal = stop.signal or number
        if react is not None:
            react()
        elif task is not None:
            task.cancel()

    for number in STOPPING:
        loop.add_signal_handler(number, receive, number)
    try:
        yield stop
    finally:
        for number in STOPPING:
            loop.remove_signal_handler(number)
