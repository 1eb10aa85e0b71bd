"""The sweeper calls, again and again, until it is stopped."""

from __future__ import annotations

import asyncio

from longwire.broker.sweeper import Sweeper


async def test_it_calls_until_it_is_stopped() -> None:
    calls = 0
    thrice = asyncio.Event()

    def sweep() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            sweeper.stop()
            thrice.set()

    sweeper = Sweeper(sweep, interval=0.001)
    sweeper.stop()
    sweeper.start()
    await thrice.wait()
    await asyncio.sleep(0.01)

    assert calls == 3
