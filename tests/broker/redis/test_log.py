"""A log in Redis returns the same as a `RoomLog` with the same entries."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longwire.broker.redis import RedisBroker
from longwire.broker.redis.log.entry import draft_fields
from longwire.broker.redis.log.reading import LogReader
from longwire.broker.redis.log.room_scripts import RoomScripts
from longwire.errors import JobEnded, StaleAttempt
from longwire.log.condition import Attempt, Condition, Fence, check_fence
from longwire.log.publication import Draft, History
from longwire.log.retention import ENTRY_OVERHEAD, RetentionLimits
from longwire.log.room_log import COMPACT_AFTER, MAX_STATE_BYTES, RoomLog
from longwire.types import Position
from tests.broker.recording import ManualClock, RecordingReceiver, note, output, progress, texts
from tests.broker.redis.nodes import opened
from tests.redis_server import RedisServer

TEXTS = st.one_of(
    st.text(max_size=5), st.sampled_from(["\0", '"', "\\", "\n", "\N{SNOWMAN}", " 1 2 -1 "])
)


def state(slot: str, padding: str) -> Draft:
    return Draft("state", msgspec.json.encode({"padding": padding}), slot)


DRAFTS = st.one_of(
    st.builds(note, TEXTS),
    st.builds(output, TEXTS),
    st.builds(progress, st.integers(0, 100), st.sampled_from("123")),
    st.builds(state, TEXTS, TEXTS),
    # Entries that no contract declares: text that is not a string, an empty slot, invalid JSON.
    st.just(Draft("job:output", b'{"chunk":7}', "job:output:writing", "chunk")),
    st.just(Draft("", b"\xff\0 \n", "")),
)


class Reading(msgspec.Struct):
    since: int | None
    limit: int
    max_bytes: int
    with_text: bool = True


class Waiting(msgspec.Struct):
    seconds: int


READINGS = st.builds(
    Reading,
    st.one_of(st.none(), st.integers(-2, 60)),
    st.integers(1, 20),
    st.sampled_from([1, 30, 512 * 1024]),
    st.booleans(),
)
STEPS = st.lists(
    st.one_of(st.lists(DRAFTS, min_size=1, max_size=12), READINGS), min_size=1, max_size=15
)
AGING_STEPS = st.lists(
    st.one_of(
        st.lists(DRAFTS, min_size=1, max_size=4), READINGS, st.builds(Waiting, st.integers(60, 200))
    ),
    min_size=1,
    max_size=15,
)


class Pair:
    """A room in Redis, and the `RoomLog` that it must equal."""

    def __init__(
        self, broker: RedisBroker, room: str, limits: RetentionLimits, clock: ManualClock
    ) -> None:
        self._broker = broker
        self._room = room
        self._limits = limits
        self._clock = clock
        self._log: RoomLog | None = None
        self._aged_ms = 0

    async def take(self, step: list[Draft] | Reading | Waiting) -> None:
        if isinstance(step, Waiting):
            self._clock.now += step.seconds
        elif isinstance(step, Reading):
            await self._compare(step)
        else:
            await self._append(step)
            await self._compare(Reading(None, 256, 512 * 1024))

    async def _append(self, drafts: list[Draft]) -> None:
        positions = await asyncio.gather(
            *(self._broker.publish(self._room, draft) for draft in drafts)
        )
        now_ms = int(self._clock.now * 1000)
        if self._log is None:
            self._log = RoomLog(positions[0].epoch, self._limits)
            self._aged_ms = now_ms
        entries = [self._log.append(draft, now_ms) for draft in drafts]
        assert positions == [Position(self._log.epoch, entry.last) for entry in entries]
        if now_ms - self._aged_ms >= 60_000:
            self._aged_ms = now_ms
            self._log.drop_old(now_ms)  # `trim` also compacts, which Redis does on appends only

    async def _compare(self, reading: Reading) -> None:
        epoch = "" if self._log is None else self._log.epoch
        since = None if reading.since is None else Position(epoch, reading.since)
        wanted = msgspec.structs.asdict(reading) | {"since": since}
        history = await self._broker.read(self._room, **wanted)
        if self._log is None:
            assert history == History(Position("", 0), False, (), True)
        else:
            assert history == self._log.read(**wanted)


@contextmanager
def pairs(url: str, prefix: str, limits: RetentionLimits) -> Iterator[Callable[[list[Any]], None]]:
    """Yield a function that runs steps on a new pair; all examples of a test share a broker."""
    clock = ManualClock()
    rooms = itertools.count()
    with asyncio.Runner() as runner:

        async def start() -> RedisBroker:
            broker = RedisBroker(url, prefix=prefix, retention=limits, clock=clock)
            await broker.start(RecordingReceiver())
            return broker

        broker = runner.run(start())

        async def take_all(steps: list[Any]) -> None:
            pair = Pair(broker, f"room {next(rooms)}", limits, clock)
            for step in steps:
                await pair.take(step)

        yield lambda steps: runner.run(take_all(steps))
        runner.run(broker.close())


@pytest.mark.parametrize(
    "limits",
    [
        RetentionLimits(),
        RetentionLimits(max_entries=1),
        RetentionLimits(max_entries=4),
        RetentionLimits(max_bytes=5 * (ENTRY_OVERHEAD + 30)),
    ],
    ids=["wide", "one", "few", "small"],
)
def test_reads_equal_those_of_a_room_log(
    redis_server: RedisServer, prefix: str, limits: RetentionLimits
) -> None:
    with pairs(redis_server.url, prefix, limits) as run:

        @given(STEPS)
        @settings(max_examples=30, deadline=None)
        def example(steps: list[Any]) -> None:
            run(steps)

        example()


def test_old_entries_are_dropped_as_in_a_room_log(redis_server: RedisServer, prefix: str) -> None:
    with pairs(redis_server.url, prefix, RetentionLimits(max_age=300.0)) as run:

        @given(AGING_STEPS)
        @settings(max_examples=30, deadline=None)
        def example(steps: list[Any]) -> None:
            run(steps)

        example()


def test_pinned_state_is_bounded_as_in_a_room_log(redis_server: RedisServer, prefix: str) -> None:
    large = "x" * (MAX_STATE_BYTES // 4)
    limits = RetentionLimits(max_bytes=4 * MAX_STATE_BYTES, max_entries=12)
    with pairs(redis_server.url, prefix, limits) as run:
        states = [[state(f"slot {n}", large), note(str(n))] for n in range(8)]
        notes = [[note(str(n))] for n in range(20)]
        run([*states, *notes, [state("slot 5", "small")], *notes, Reading(None, 1, 1)])


def plain(history: History) -> list[tuple[int, int, object]]:
    return [(p.first, p.last, msgspec.json.decode(p.data)) for p in history.publications]


async def test_reads_of_compacted_text_equal_those_of_a_room_log(
    redis_server: RedisServer, prefix: str
) -> None:
    log, now_ms = RoomLog("", RetentionLimits()), 0
    async with opened(redis_server.url, prefix) as (broker, _):
        for batch in range(10):
            drafts = [output(f"{batch}.{n} ") for n in range(COMPACT_AFTER // 2)]
            drafts.insert(40, note("between") if batch == 2 else progress(batch))
            await asyncio.gather(*(broker.publish("room", draft) for draft in drafts))
            for draft in drafts:
                log.append(draft, now_ms)
    async with opened(redis_server.url, prefix) as (broker, _):
        kept = redis_server.run("ZCARD", f"{prefix}:{{room:room}}:log")
        epoch = (await broker.position("room")).epoch
        for offset in (0, 1, 300, 511, 512, 513, 900, 1_500, log.position.offset - 1):
            history = await broker.read("room", Position(epoch, offset))
            model = log.read(Position("", offset))
            assert history.recovered
            # `plain` ignores the order of the fields, in which joined text differs.
            assert plain(history) == plain(model)
        history = await broker.read("room", with_text=False)
        assert plain(history) == plain(log.read(with_text=False))

    assert kept < COMPACT_AFTER + 10


async def test_a_log_that_is_compacted_between_two_pages_is_read_completely(
    redis_server: RedisServer, prefix: str
) -> None:
    async with opened(redis_server.url, prefix) as (broker, _):

        async def write() -> None:
            for start in range(0, 6_000, 200):
                await asyncio.gather(
                    *(broker.publish("room", output(f"{n} ")) for n in range(start, start + 200))
                )

        async with asyncio.TaskGroup() as group:
            writing = group.create_task(write())
            while not writing.done():
                text = "".join(await texts(broker, "room"))
                assert text == "".join(f"{n} " for n in range(len(text.split())))
        assert len("".join(await texts(broker, "room")).split()) == 6_000


async def test_a_log_that_changes_after_every_page_is_read_in_a_single_page() -> None:
    """The pages of one read must be consistent; after three attempts there is only one page."""
    log = [f"{n} 0 220 -1 ".encode() + draft_fields(output(f"{n} "))[-1] for n in range(1, 2_001)]
    compactions = itertools.count()
    asked: list[int] = []

    async def ask(command: Callable[[bytes], Sequence[Any]]) -> list[Any]:
        after, count = command(b"run")[-3:-1]
        asked.append(count)
        members = log[int(after or 0) :][:count]
        more = int(after or 0) + len(members) < len(log)
        return [b"epoch", len(log), 0, next(compactions), 0, int(more), members]

    reader = LogReader(ask, RoomScripts("", RetentionLimits(), lambda: 0))
    history = await reader.read("room", None, 10, 512 * 1024)

    assert history is not None
    assert [(p.first, p.last) for p in history.publications] == [(1, 2_000)]
    assert len(asked) == 7


FENCES = st.builds(
    Fence, st.integers(0, 4), st.sampled_from(["append", "create", "claim", "end", "withdraw"])
)


def test_fences_in_redis_follow_the_rules_of_the_pure_function(
    redis_server: RedisServer, prefix: str
) -> None:
    rooms = itertools.count()
    with asyncio.Runner() as runner:
        broker = RedisBroker(redis_server.url, prefix=prefix)
        runner.run(broker.start(RecordingReceiver()))

        async def refusal(room: str, fence: Fence) -> type[Exception] | None:
            try:
                await broker.publish(room, note("x"), condition=Condition(fence))
            except (StaleAttempt, JobEnded) as error:
                return type(error)
            return None

        async def compare(fences: list[Fence]) -> None:
            room, attempt = f"job:{next(rooms)}", Attempt()
            for fence in fences:
                expected: type[Exception] | None = None
                before = attempt
                try:
                    attempt = check_fence(attempt, fence)
                except (StaleAttempt, JobEnded) as error:
                    expected = type(error)
                assert await refusal(room, fence) is expected, (before, fence)

        @given(st.lists(FENCES, min_size=1, max_size=12))
        @settings(max_examples=100, deadline=None)
        def example(fences: list[Fence]) -> None:
            runner.run(compare(fences))

        example()
        runner.run(broker.close())
