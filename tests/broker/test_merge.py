"""`Merge` on every broker: patches apply in the order of the log, in the step that appends."""

from __future__ import annotations

import asyncio
import random
import secrets
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

from longwire import Contract, Event, Merge
from longwire.broker import MemoryBroker, SQLiteBroker
from longwire.broker.redis import RedisBroker
from longwire.broker.slices import read_slices
from longwire.errors import Conflict, IdempotencyConflict, InvalidEvent, StaleAttempt
from longwire.log.condition import Condition, Fence
from longwire.log.merge import Cursor, Verdict
from longwire.log.publication import Draft, Publication
from longwire.types import Position
from tests.broker.conftest import SweepingBroker
from tests.broker.recording import RecordingReceiver, note, output, progress
from tests.redis_server import RedisServer

ROOM = "board:1"


class Board(Event, name="board", conflate=Merge(key="id", max_bytes=2_000)):
    id: str
    value: Any = UNSET
    count: int | UnsetType | None = UNSET


CONTRACT = Contract([Board], rooms=("board:{board_id}", "job:{job_id}"))


def patch(value: Any = UNSET, *, id: str = "a", count: int | UnsetType | None = UNSET) -> Draft:
    encoded = CONTRACT.encode(Board(id=id, value=value, count=count, timestamp=1), 1, ROOM)
    return Draft(encoded.event, encoded.data, encoded.slot, None, encoded.merge)


def reference(target: Any, change: Any) -> Any:
    """The pseudocode of RFC 7396, section 2."""
    if not isinstance(change, dict):
        return change
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = reference(result.get(name), value)
    return result


async def entries(broker: SweepingBroker, room: str = ROOM) -> list[Publication]:
    return [p async for history in read_slices(broker, room) for p in history.publications]


async def values(broker: SweepingBroker, room: str = ROOM) -> dict[str, Any]:
    """Return the board of each id, from the retained log."""
    found = [entry for entry in await entries(broker, room) if entry.event == "board"]
    boards = [msgspec.json.decode(entry.data) for entry in found]
    return {board["id"]: board for board in boards}


async def test_the_log_has_one_merged_entry_for_each_key(
    broker: SweepingBroker, receiver: RecordingReceiver
) -> None:
    await broker.subscribe(ROOM)
    await broker.publish(ROOM, patch({"x": 1, "y": [1, 2]}))
    await broker.publish(ROOM, patch({"z": 1}, id="b"))
    await broker.publish(ROOM, patch({"x": None, "y": []}, count=7))
    end = await broker.publish(ROOM, patch({"big": 123456789012345678901234567890, "é": "😀"}))

    assert await values(broker) == {
        "a": {
            "id": "a",
            "value": {"y": [], "big": 123456789012345678901234567890, "é": "😀"},
            "count": 7,
            "timestamp": 1,
        },
        "b": {"id": "b", "value": {"z": 1}, "timestamp": 1},
    }
    assert [entry.last for entry in await entries(broker)] == [2, 4]
    assert end.offset == 4
    delivered = [msgspec.json.decode(entry.data) for _, entry in receiver.publications]
    assert [board["value"] for board in delivered] == [
        {"x": 1, "y": [1, 2]},
        {"z": 1},
        {"y": []},
        {"y": [], "big": 123456789012345678901234567890, "é": "😀"},
    ]


async def test_the_newest_value_of_a_slot(broker: SweepingBroker) -> None:
    slot = patch(1).slot or ""
    assert await broker.newest(ROOM, slot) is None
    assert await broker.rooms("board:") == []
    await broker.publish(ROOM, note("first"))
    assert await broker.newest(ROOM, slot) is None
    await broker.publish(ROOM, patch({"x": 1}))
    position = await broker.publish(ROOM, patch({"y": [123456789012345678901234567890, 1.50]}))
    await broker.publish(ROOM, patch(3, id="b"))

    found = await broker.newest(ROOM, slot)
    assert found is not None
    assert found[0] == position
    assert b'"y":[123456789012345678901234567890,1.5]' in found[1]


async def test_simultaneous_patches_of_many_writers_all_count(broker: SweepingBroker) -> None:
    changes = [(f"writer{n}", f"field{m}") for n in range(10) for m in range(6)]

    await asyncio.gather(*(broker.publish(ROOM, patch({w: {f: 1}})) for w, f in changes))

    found = (await values(broker))["a"]["value"]
    assert {(w, f) for w, fields in found.items() for f in fields} == set(changes)
    assert (await broker.position(ROOM)).offset == len(changes)


async def test_a_retried_id_is_merged_once(broker: SweepingBroker) -> None:
    first = await broker.publish(ROOM, patch({"x": 1}), id="one")
    await broker.publish(ROOM, patch({"x": 2}))

    again = await broker.publish(ROOM, patch({"x": 1}), id="one")
    both = await asyncio.gather(
        *(broker.publish(ROOM, patch({"y": 3}), id="two") for _ in range(5))
    )
    with pytest.raises(IdempotencyConflict):
        await broker.publish(ROOM, patch({"x": 5}), id="one")

    assert again == first
    assert len(set(both)) == 1
    assert (await values(broker))["a"]["value"] == {"x": 2, "y": 3}


async def test_expect_makes_a_patch_a_compare_and_set(broker: SweepingBroker) -> None:
    position = await broker.publish(ROOM, patch({"x": 1}), condition=Condition(expect=None))
    second = await broker.publish(ROOM, patch({"y": 2}), condition=Condition(expect=position))

    for expected in (None, position, Position(position.epoch, 3), Position("other", 2)):
        with pytest.raises(Conflict) as refused:
            await broker.publish(ROOM, patch({"x": 9}), condition=Condition(expect=expected))
        assert refused.value.position == second
        assert refused.value.value == {"id": "a", "value": {"x": 1, "y": 2}, "timestamp": 1}
    repeated = Condition(expect=second)
    third = await broker.publish(ROOM, patch({"x": 3}), id="three", condition=repeated)

    assert await broker.publish(ROOM, patch({"x": 3}), id="three", condition=repeated) == third
    assert (await values(broker))["a"]["value"] == {"x": 3, "y": 2}


async def test_of_simultaneous_compare_and_sets_one_wins(broker: SweepingBroker) -> None:
    outcomes = await asyncio.gather(
        *(
            broker.publish(ROOM, patch({"x": n}), condition=Condition(expect=None))
            for n in range(9)
        ),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, Position) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 8
    assert (await broker.position(ROOM)).offset == 1


async def test_a_patch_whose_result_is_invalid_changes_nothing(broker: SweepingBroker) -> None:
    await broker.publish("job:1", note("created"), condition=Condition(Fence(1, "claim")))
    before = await broker.publish("job:1", patch({"x": "y" * 1_500}))

    with pytest.raises(InvalidEvent, match="at most 2000"):
        await broker.publish(
            "job:1", patch({"y": "z" * 900}), id="z", condition=Condition(Fence(1, "end"))
        )
    with pytest.raises(StaleAttempt):
        await broker.publish("job:1", patch({"y": 1}), condition=Condition(Fence(1, "claim")))
    await broker.publish("job:1", patch({"x": None}), condition=Condition(Fence(1)))
    after = await broker.publish("job:1", patch({"y": 2}), id="z")

    assert after.offset == before.offset + 2
    assert (await values(broker, "job:1"))["a"]["value"] == {"y": 2}


async def test_publishes_keep_the_order_of_their_calls(broker: SweepingBroker) -> None:
    drafts = [note("1"), patch({"x": 1}), note("2"), progress(5), patch(2, id="b"), output("t")]

    positions = await asyncio.gather(*(broker.publish(ROOM, draft) for draft in drafts))

    assert [position.offset for position in positions] == [1, 2, 3, 4, 5, 6]


async def test_a_cancelled_patch_does_not_hold_up_the_next(broker: SweepingBroker) -> None:
    patches = [asyncio.ensure_future(broker.publish(ROOM, patch({str(n): n}))) for n in range(6)]
    await asyncio.sleep(0)
    for publish in patches[::2]:
        publish.cancel()
    await asyncio.wait(patches)
    await broker.publish(ROOM, patch({"last": 1}))

    found = (await values(broker))["a"]["value"]
    assert {"1", "3", "5", "last"} <= set(found)


# --- any interleaving, over several nodes -----------------------------------------------------

LEAF = st.none() | st.integers() | st.text(max_size=2) | st.just([]) | st.just([{"a": None}])
CHANGE = st.recursive(
    LEAF, lambda inner: st.dictionaries(st.sampled_from("abé"), inner, max_size=3), max_leaves=6
)
STEP = st.tuples(st.integers(0, 2), st.sampled_from("ab"), CHANGE | st.just("a plain note"))


class Reader:
    """A subscriber that loses its connection now and then, and resumes from its position."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.cursor = Cursor("")
        self.boards: dict[str, Any] = {}

    async def read(self, broker: SweepingBroker) -> bool:
        """Apply a part of one slice; return whether that was the end of the log."""
        limit = self.random.randint(1, 3)
        history = await broker.read(ROOM, self.cursor.position, limit=limit)
        if not history.recovered:
            self.cursor, self.boards = Cursor(history.position.epoch), {}
        count = self.random.randint(0, len(history.publications))
        for entry in history.publications[:count]:
            assert self.cursor.take(entry.first, entry.last) is Verdict.APPLY
            if entry.event == "board":
                board = msgspec.json.decode(entry.data)
                self.boards[board["id"]] = board
        return history.complete and count == len(history.publications)


async def follow(nodes: list[SweepingBroker], steps: list[Any], seed: int) -> None:
    """Write in bursts from all nodes while a reader follows, and compare with RFC 7396."""
    reader, applied = Reader(seed), dict[int, tuple[str, Any]]()

    async def write(writer: int, key: str, change: Any) -> None:
        node = nodes[writer % len(nodes)]
        if change == "a plain note":
            await node.publish(ROOM, note("n"))
            return
        position = await node.publish(ROOM, patch(change, id=key))
        applied[position.offset] = (key, change)

    while steps:
        count = reader.random.randint(1, 4)
        burst, steps = steps[:count], steps[count:]
        await asyncio.gather(*(write(*step) for step in burst))
        await reader.read(nodes[reader.random.randrange(len(nodes))])
    while not await reader.read(nodes[0]):
        pass
    expected: dict[str, Any] = {}
    for _, (key, change) in sorted(applied.items()):
        value = {"id": key, "value": change, "timestamp": 1}
        expected[key] = reference(expected.get(key), value)
    assert reader.boards == expected
    assert await values(nodes[0]) == expected


@given(st.lists(STEP, max_size=14), st.integers(0, 2**16))
@settings(max_examples=60, deadline=None)
def test_any_interleaving_folds_as_the_rfc_says_in_memory(steps: list[Any], seed: int) -> None:
    async def run() -> None:
        broker = MemoryBroker()
        await broker.start(RecordingReceiver())
        try:
            await follow([broker], steps, seed)
        finally:
            await broker.close()

    asyncio.run(run())


@given(st.lists(STEP, max_size=14), st.integers(0, 2**16))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_interleaving_folds_as_the_rfc_says_on_sqlite(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any], seed: int
) -> None:
    path = tmp_path_factory.mktemp("merge") / "logs.db"

    async def run() -> None:
        broker = SQLiteBroker(path)
        await broker.start(RecordingReceiver())
        try:
            await follow([broker], steps, seed)
        finally:
            await broker.close()

    asyncio.run(run())


@given(st.lists(STEP, max_size=14), st.integers(0, 2**16))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_interleaving_folds_as_the_rfc_says_on_three_nodes_with_redis(
    redis_server: RedisServer, steps: list[Any], seed: int
) -> None:
    async def run() -> None:
        prefix = secrets.token_hex(8)  # `random` is seeded by Hypothesis
        nodes = [RedisBroker(redis_server.url, prefix=prefix) for _ in range(3)]
        try:
            for node in nodes:
                await node.start(RecordingReceiver())
            await nodes[1].subscribe(ROOM)
            await follow(list(nodes), steps, seed)
        finally:
            for node in nodes:
                await node.close()

    asyncio.run(run())
