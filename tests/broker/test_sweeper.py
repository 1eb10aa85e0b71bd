"""The sweeper calls its function repeatedly until it is stopped."""

from __future__ import annotations

import asyncio

from longwire.broker.sweeper import Sweeper


async def test_it_calls_until_it_is_stopped() -> None:
    calls = 0
    third, later = asyncio.Event(), asyncio.Event()

    def sweep() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            sweeper.stop()
            third.set()

    sweeper = Sweeper(sweep, interval=0.001)
    sweeper.stop()
    sweeper.start()
    await third.wait()
    asyncio.get_running_loop().call_later(0.002, later.set)  # after a fourth call would be due
    await later.wait()

    assert calls == 3
