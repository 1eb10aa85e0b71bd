"""Ctrl-Z: a command stops together with `longwire run`, and goes on with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from longwire.background import BackgroundTasks
from longwire.catalog import JobLease
from longwire.errors import LongwireError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from longwire.jobs import JobHost

# Who is stopped gives no signs of life, and yet is not lost; after a day nobody comes back.
STOPPED_FOR: Final = 86_400.0

# Somebody waits for the prompt.
_PATIENCE: Final = 1.0


@contextmanager
def suspending(host: JobHost, job_id: str) -> Generator[Callable[[int], None]]:
    """Let SIGTSTP stop a command and this process, and SIGCONT let both go on.

    The command is in a session of its own, where the terminal's signals do not reach it.

    Yields:
        What takes the process group of the command.
    """
    loop = asyncio.get_running_loop()
    suspensions = BackgroundTasks()

    def follow(group: int) -> None:
        loop.add_signal_handler(signal.SIGTSTP, suspend, group)

    def suspend(group: int) -> None:
        if not suspensions:
            suspensions.start(_suspend(group, host, job_id))

    try:
        yield follow
    finally:
        loop.remove_signal_handler(signal.SIGTSTP)


async def _suspend(group: int, host: JobHost, job_id: str) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGSTOP)
        with contextlib.suppress(LongwireError, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await host.publish(JobLease(job_id=job_id, expires_in=STOPPED_FOR))
        os.kill(os.getpid(), signal.SIGSTOP)
        # Here it goes on; the job's next sign of life is due, and shortens the lease again.
        os.killpg(group, signal.SIGCONT)
