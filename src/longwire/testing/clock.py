"""A clock that stands still until a test advances it.

    with ManualClock() as clock:
        ...
        await clock.advance(30)

Everything on the event loop follows it: heartbeats, backoff, leases, token expiry, throttles, and
the application's own `asyncio.sleep` and `asyncio.timeout`. Longwire's timestamps follow it too.
"""

import asyncio
import math
from collections.abc import Callable
from selectors import BaseSelector
from typing import Any, Self

from longwire.clock import clock
from longwire.errors import ConfigurationError

# Real seconds of idleness after which a waiting test cannot make progress any more.
PATIENCE = 5.0


class StandStill(AssertionError):
    """The test waits for something that cannot happen until its clock advances."""


class ManualClock:
    """Stops the time of the running event loop, and advances it on request.

    Enter it in a coroutine. Within the block, timers fire in order and exactly at their time,
    without waiting. The clock waits for work in threads, and time does not pass meanwhile. Sockets
    and other processes stay in real time; `advance` does not wait for them.

    The clock applies to the whole process: only one can be active, on one asyncio event loop.

    Args:
        start: the initial time in seconds since the epoch; None means the real time.
        patience: real seconds after which a test that cannot make progress fails.

    Raises:
        ConfigurationError: (on entering) The event loop is not asyncio's selector loop, or another
            `ManualClock` controls it.
    """

    def __init__(self, *, start: float | None = None, patience: float = PATIENCE) -> None:
        self._start = start
        self._patience = patience
        self._loop: asyncio.SelectorEventLoop
        self._selector: BaseSelector
        self._select: Callable[[float | None], list[Any]]
        self._now = self._ahead = 0.0
        self._target: float | None = None
        self._arrived: asyncio.Future[None]
        self._working = 0

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, asyncio.SelectorEventLoop):
            raise ConfigurationError(
                f"ManualClock needs asyncio's selector event loop, not {type(loop).__module__}'s"
            )
        if "time" in vars(loop):
            raise ConfigurationError("another ManualClock already controls this event loop")
        self._loop, self._now = loop, loop.time()
        self._ahead = (clock.time() if self._start is None else self._start) - self._now
        # asyncio has no interface to replace the selector or the clock of a running loop.
        self._selector = vars(loop)["_selector"]
        self._select = self._selector.select
        vars(self._selector)["select"] = self._wait
        vars(loop).update(time=self.monotonic, run_in_executor=self._run_in_executor)
        self._real = clock.monotonic, clock.time
        clock.monotonic, clock.time = self.monotonic, self.time
        return self

    def __exit__(self, *_: object) -> None:
        clock.monotonic, clock.time = self._real
        del vars(self._selector)["select"]
        del vars(self._loop)["time"], vars(self._loop)["run_in_executor"]

    def monotonic(self) -> float:
        """Return the loop's time in seconds."""
        return self._now

    def time(self) -> float:
        """Return the wall-clock time in seconds since the epoch."""
        return self._now + self._ahead

    async def advance(self, seconds: float) -> None:
        """Advance time, and run everything that is due until then.

        Timers fire one after another. After each of them, all callbacks and tasks that it makes
        ready run before the next one fires.

        Raises:
            ConfigurationError: Another task is advancing the clock, or `seconds` is negative.
        """
        if self._target is not None:
            raise ConfigurationError("another task is advancing the clock")
        if not 0 <= seconds < math.inf:
            raise ConfigurationError(f"seconds must be >= 0 and finite, got {seconds}")
        self._target = self._now + seconds
        self._arrived = self._loop.create_future()
        try:
            await self._arrived
        finally:
            self._target = None

    def suspend(self, seconds: float) -> None:
        """Let time pass while nothing runs, as if the process was suspended: timers fire late."""
        self._now += seconds

    async def settle(self) -> None:
        """Run everything that is ready without advancing time."""
        await self.advance(0.0)

    # Called by the event loop

    def _wait(self, timeout: float | None = None) -> list[Any]:
        """Replace the selector's `select`; `timeout` is the time until the loop's next timer."""
        ready = self._select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self._working:
            return self._select(None)
        if self._target is not None:
            self._step(self._target, timeout)
            return []
        if len(self._selector.get_map()) > 1:  # one is the pipe that wakes the loop
            return self._select(None)
        ready = self._select(self._patience)
        if not ready:
            raise StandStill(_describe_standstill(self._loop, timeout))
        return ready

    def _step(self, target: float, until_next: float | None) -> None:
        """Advance to the next timer, or to the target if that comes first."""
        if until_next is not None and self._now + until_next <= target:
            self._now += until_next
            return
        self._now = target
        if not self._arrived.done():
            self._arrived.set_result(None)

    def _run_in_executor(
        self, executor: Any, function: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        work = asyncio.SelectorEventLoop.run_in_executor(self._loop, executor, function, *args)
        self._working += 1
        work.add_done_callback(self._finish_work)
        return work

    def _finish_work(self, _work: asyncio.Future[Any]) -> None:
        self._working -= 1


def _describe_standstill(loop: asyncio.AbstractEventLoop, until_next: float | None) -> str:
    if until_next is None:
        reason = "the test waits, but nothing is ready and no timer is set"
    else:
        reason = (
            "the test waits, but nothing happens until the clock advances: "
            f"the next timer is due in {until_next:.3f} s"
        )
    return "\n".join([reason, *_waiting_tasks(loop)])


def _waiting_tasks(loop: asyncio.AbstractEventLoop) -> list[str]:
    """Return where each task waits, except Longwire's own tasks."""
    frames = [frame for task in asyncio.all_tasks(loop) for frame in task.get_stack(limit=1)]
    return sorted(
        f"waiting: {frame.f_code.co_name} ({frame.f_code.co_filename}:{frame.f_lineno})"
        for frame in frames
        if not str(frame.f_globals.get("__name__")).startswith("longwire.")
    )
