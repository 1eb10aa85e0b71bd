"""Time that passes only when a test says so.

    with ManualClock() as clock:
        ...
        await clock.advance(30)

Everything on the event loop follows it: heartbeats, backoff, leases, expiring tokens, throttles,
`asyncio.sleep` and `asyncio.timeout` of the application too. So does what Longwire writes down.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, Self

from longwire.clock import clock
from longwire.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from selectors import BaseSelector

# Real seconds without anything to do, after which nobody will do anything any more.
PATIENCE = 5.0


class StandStill(AssertionError):
    """A test waits for something that cannot happen while its clock stands still."""


class ManualClock:
    """Holds the time of the running event loop, and moves it.

    Within its `with` block, in a coroutine, the loop's timers fire in their order and at their
    very time, without waiting. Work in threads is waited for; time does not pass meanwhile. What
    comes through sockets and from other processes is real, and `advance` does not wait for it.

    The clock is the whole process's: one at a time, on one loop, which must be asyncio's own.

    Args:
        start: what time it is at first, in seconds since the epoch; the real time if None.
        patience: real seconds after which a test that waits for the impossible fails.

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
        # A running loop can be given neither another selector nor another clock by its interface.
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
        """Return the loop's time, in seconds."""
        return self._now

    def time(self) -> float:
        """Return the time of day, in seconds since the epoch."""
        return self._now + self._ahead

    async def advance(self, seconds: float) -> None:
        """Let time pass, and everything happen that happens in that time, up to the last of it.

        Timers fire one after another; between two of them, whatever they set off comes to rest.

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

    async def settle(self) -> None:
        """Let everything happen that needs no time to pass."""
        await self.advance(0.0)

    # The loop's side

    def _wait(self, timeout: float | None = None) -> list[Any]:
        """Select for the loop; it gives the time until its next timer, 0 if it has work to do."""
        ready = self._select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self._working:
            return self._select(None)
        if self._target is not None:
            self._step(self._target, timeout)
            return []
        if len(self._selector.get_map()) > 1:  # beside the pipe by which threads wake the loop
            return self._select(None)
        ready = self._select(self._patience)
        if not ready:
            raise StandStill(_say_what_is_missing(self._loop, timeout))
        return ready

    def _step(self, target: float, until_next: float | None) -> None:
        """Go on to the next timer, or to the target if that comes first."""
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


def _say_what_is_missing(loop: asyncio.AbstractEventLoop, until_next: float | None) -> str:
    if until_next is None:
        said = "nobody will do what the test waits for: nothing is ready, and no timer is set"
    else:
        said = (
            "what the test waits for will not happen before the clock moves: "
            f"the next timer is due in {until_next:.3f} s"
        )
    return "\n".join([said, *_waiting_tasks(loop)])


def _waiting_tasks(loop: asyncio.AbstractEventLoop) -> list[str]:
    """Say where each task waits that is not Longwire's own."""
    frames = [frame for task in asyncio.all_tasks(loop) for frame in task.get_stack(limit=1)]
    return sorted(
        f"waiting: {frame.f_code.co_name} ({frame.f_code.co_filename}:{frame.f_lineno})"
        for frame in frames
        if not str(frame.f_globals.get("__name__")).startswith("longwire.")
    )
