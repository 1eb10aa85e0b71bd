"""Handles the signals that end a command: SIGINT, SIGTERM and SIGHUP."""

import asyncio
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """Which signal ended the command.

    Attributes:
        signal: the first stop signal that arrived, or None.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    @property
    def exit_code(self) -> int:
        """128 + n if the command ends because of signal n, otherwise 0."""
        return 0 if self.signal is None else 128 + self.signal


@contextmanager
def handle_stop_signals(on_signal: Callable[[], object] | None = None) -> Generator[Stop]:
    """Cancel the current task when a stop signal arrives during the body.

    Every signal cancels the task: the first one starts the clean-up, the next one interrupts it.

    Args:
        on_signal: called for each signal instead of cancelling the task.
    """
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    stop = Stop()

    def receive(number: signal.Signals) -> None:
        stop.signal = stop.signal or number
        if on_signal is not None:
            on_signal()
        elif task is not None:
            task.cancel()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, receive, number)
    try:
        yield stop
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
