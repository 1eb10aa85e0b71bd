"""Reading logs that are longer than one slice."""

from __future__ import annotations

import pytest

from longwire.broker import Broker
from longwire.broker.slices import read_slices
from longwire.log.publication import History
from longwire.log.retention import RetentionLimits
from longwire.log.room_log import DEFAULT_SLICE_FRAMES
from longwire.types import Position
from tests.broker.recording import note

LENGTH = 2 * DEFAULT_SLICE_FRAMES + 10


async def slices_since(broker: Broker, since: Position | None) -> list[History]:
    return [history async for history in read_slices(broker, "room", since)]


def offsets(slices: list[History]) -> list[int]:
    return [entry.last for history in slices for entry in history.publications]


async def write(broker: Broker, count: int) -> Position:
    positions = [await broker.publish("room", note(str(number))) for number in range(count)]
    return positions[-1]


async def test_a_log_is_read_to_its_end(broker: Broker) -> None:
    end = await write(broker, LENGTH)

    slices = await slices_since(broker, None)

    assert offsets(slices) == list(range(1, LENGTH + 1))
    assert [history.recovered for history in slices] == [False, True, True]
    assert slices[-1].position == end


async def test_a_log_is_read_since_a_position(broker: Broker) -> None:
    end = await write(broker, LENGTH)

    slices = await slices_since(broker, Position(end.epoch, 10))

    assert offsets(slices) == list(range(11, LENGTH + 1))
    assert [history.recovered for history in slices] == [True, True]


async def test_a_room_without_a_log_is_one_empty_slice(broker: Broker) -> None:
    assert offsets(await slices_since(broker, None)) == []


@pytest.mark.parametrize("retention", [RetentionLimits(max_entries=LENGTH)])
async def test_a_slice_after_dropped_entries_is_not_recovered(broker: Broker) -> None:
    await write(broker, LENGTH)
    slices: list[History] = []

    async for history in read_slices(broker, "room"):
        if not slices:
            await write(broker, LENGTH)
        slices.append(history)

    assert [history.recovered for history in slices] == [False, False, True, True]
    assert offsets(slices[1:]) == list(range(LENGTH + 1, 2 * LENGTH + 1))
