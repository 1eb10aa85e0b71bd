"""Many deadlines on one timer."""

import asyncio

from longwire.server.session.deadlines import Deadlines


class Alarm:
    """Is due once, or every `period` seconds."""

    def __init__(self, after: float, period: float | None = None) -> None:
        self.due: float | None = asyncio.get_running_loop().time() + after
        self.period = period
        self.fired: list[float] = []
        self.rang = asyncio.Event()

    def next_deadline(self) -> float | None:
        return self.due

    def handle_deadline(self, now: float) -> None:
        self.fired.append(now)
        self.due = None if self.period is None else now + self.period
        self.rang.set()


async def test_a_deadline_is_kept_within_a_tick() -> None:
    deadlines = Deadlines(tick=0.01)
    alarm = Alarm(0.03)
    due = alarm.due
    deadlines.watch(alarm)
    await alarm.rang.wait()
    assert due is not None
    assert alarm.fired[0] >= due - 0.01
    deadlines.close()


async def test_a_deadline_that_moves_further_away_fires_at_its_new_time_only() -> None:
    deadlines = Deadlines(tick=0.01)
    moved, witness = Alarm(0.02), Alarm(0.05)
    deadlines.watch(moved)
    deadlines.watch(witness)
    moved.due = asyncio.get_running_loop().time() + 0.1
    await witness.rang.wait()
    assert moved.fired == []
    await moved.rang.wait()
    deadlines.close()


async def test_a_deadline_that_comes_nearer_fires_in_time() -> None:
    deadlines = Deadlines(tick=0.01)
    nearer, late = Alarm(30.0), Alarm(40.0)
    deadlines.watch(nearer)
    deadlines.watch(late)
    nearer.due = asyncio.get_running_loop().time() + 0.02
    deadlines.watch(nearer)
    async with asyncio.timeout(5):
        await nearer.rang.wait()
    assert late.fired == []
    deadlines.close()


async def test_what_was_forgotten_does_not_fire_even_if_it_is_due_in_the_same_tick() -> None:
    deadlines = Deadlines(tick=0.01)
    forgotten, other = Alarm(0.02), Alarm(0.02)
    other.due = forgotten.due
    for alarm in (other, forgotten):
        deadlines.watch(alarm)

    def forget(now: float) -> None:
        deadlines.forget(forgotten)
        other.rang.set()

    other.handle_deadline = forget  # type: ignore[method-assign]
    await other.rang.wait()
    witness = Alarm(0.03)
    deadlines.forget(other)
    deadlines.watch(witness)
    await witness.rang.wait()
    assert forgotten.fired == []
    deadlines.close()


async def test_a_repeating_deadline_keeps_repeating() -> None:
    deadlines = Deadlines(tick=0.005)
    alarm = Alarm(0.0, period=0.01)
    deadlines.watch(alarm)
    while len(alarm.fired) < 3:
        alarm.rang.clear()
        await alarm.rang.wait()
    deadlines.close()
