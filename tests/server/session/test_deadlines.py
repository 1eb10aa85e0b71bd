"""Deadlines of many objects on one timer."""

import asyncio

from longwire.server.session.deadlines import Deadlines


class Alarm:
    """Has a deadline once, or every `period` seconds."""

    def __init__(self, after: float, period: float | None = None) -> None:
        self.due: float | None = asyncio.get_running_loop().time() + after
        self.period = period
        self.fired: list[float] = []
        self.called = asyncio.Event()

    def next_deadline(self) -> float | None:
        return self.due

    def handle_deadline(self, now: float) -> None:
        self.fired.append(now)
        self.due = None if self.period is None else now + self.period
        self.called.set()


async def test_a_deadline_is_handled_within_a_tick() -> None:
    deadlines = Deadlines(tick=0.01)
    alarm = Alarm(0.03)
    due = alarm.due
    deadlines.watch(alarm)
    await alarm.called.wait()
    assert due is not None
    assert alarm.fired[0] >= due - 0.01
    deadlines.close()


async def test_a_deadline_that_moves_later_fires_at_its_new_time_only() -> None:
    deadlines = Deadlines(tick=0.01)
    moved, witness = Alarm(0.02), Alarm(0.05)
    deadlines.watch(moved)
    deadlines.watch(witness)
    moved.due = asyncio.get_running_loop().time() + 0.1
    await witness.called.wait()
    assert moved.fired == []
    await moved.called.wait()
    deadlines.close()


async def test_a_deadline_that_moves_earlier_fires_in_time() -> None:
    deadlines = Deadlines(tick=0.01)
    earlier, late = Alarm(30.0), Alarm(40.0)
    deadlines.watch(earlier)
    deadlines.watch(late)
    earlier.due = asyncio.get_running_loop().time() + 0.02
    deadlines.watch(earlier)
    async with asyncio.timeout(5):
        await earlier.called.wait()
    assert late.fired == []
    deadlines.close()


async def test_a_forgotten_deadline_does_not_fire_even_in_the_same_tick() -> None:
    deadlines = Deadlines(tick=0.01)
    forgotten, other = Alarm(0.02), Alarm(0.02)
    other.due = forgotten.due
    for alarm in (other, forgotten):
        deadlines.watch(alarm)

    def forget(now: float) -> None:
        deadlines.forget(forgotten)
        other.called.set()

    other.handle_deadline = forget  # type: ignore[method-assign]
    await other.called.wait()
    witness = Alarm(0.03)
    deadlines.forget(other)
    deadlines.watch(witness)
    await witness.called.wait()
    assert forgotten.fired == []
    deadlines.close()


async def test_a_repeating_deadline_keeps_repeating() -> None:
    deadlines = Deadlines(tick=0.005)
    alarm = Alarm(0.0, period=0.01)
    deadlines.watch(alarm)
    while len(alarm.fired) < 3:
        alarm.called.clear()
        await alarm.called.wait()
    deadlines.close()
