"""Job control for `longwire run`: Ctrl-Z suspends the command too, fg and bg resume both."""

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

    from longwire.jobs import Job, JobHost

# A suspended process cannot renew its lease. It may stay suspended for a day before the server
# declares the job lost.
SUSPENDED_LEASE: Final = 86_400.0

# The shell shows its prompt only after this process has stopped.
_LEASE_TIMEOUT: Final = 1.0


@contextmanager
def handle_suspend(host: JobHost, job: Job) -> Generator[Callable[[int], None]]:
    """Suspend a command and this process on SIGTSTP, and resume both on SIGCONT.

    The command runs in a session of its own, so the terminal's signals do not reach it.

    Yields:
        A function that takes the command's process group, once it has started.
    """
    loop = asyncio.get_running_loop()
    suspensions = BackgroundTasks()

    def watch_group(group: int) -> None:
        loop.add_signal_handler(signal.SIGTSTP, suspend, group)

    def suspend(group: int) -> None:
        if not suspensions:
            suspensions.start(_suspend(group, host, job))

    try:
        yield watch_group
    finally:
        loop.remove_signal_handler(signal.SIGTSTP)


async def _suspend(group: int, host: JobHost, job: Job) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGSTOP)
        with contextlib.suppress(LongwireError, TimeoutError):
            async with asyncio.timeout(_LEASE_TIMEOUT):
                lease = JobLease(job_id=job.id, expires_in=SUSPENDED_LEASE)
                await host.publish(lease, attempt=job.attempt)
        os.kill(os.getpid(), signal.SIGSTOP)
        # Execution continues here after SIGCONT. The job renews its lease soon, which shortens it.
        os.killpg(group, signal.SIGCONT)
