"""Judges whether readers applied every offset once and in order, up to the end of their rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from longwire.testing.known_log import KnownLog
from longwire.testing.record import BrokenPromise, Fault, Stretch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from longwire.testing.record import RoomRecord


class Heard(msgspec.Struct, frozen=True):
    """What one reader applied in one room.

    Attributes:
        reader: its name.
        room: the room.
        stretches: what it applied since it began, and since each time that it began anew.
        resets: how often it was told to begin anew.
    """

    reader: str
    room: str
    stretches: list[Stretch]
    resets: int


class Proof(msgspec.Struct, frozen=True):
    """What was proven, in numbers.

    Attributes:
        published: acknowledged publications.
        unknown: publications whose outcome nobody was told.
        applied: frames that readers applied.
        restarts: how often a reader began anew.
    """

    published: int
    unknown: int
    applied: int
    restarts: int


def prove(rooms: Mapping[str, RoomRecord], heard: Iterable[Heard]) -> Proof:
    """Prove that what was heard is what was published.

    Raises:
        BrokenPromise: names the first fault.
    """
    applied = restarts = 0
    logs: dict[tuple[str, str], KnownLog] = {}
    for record in rooms.values():
        for epoch in dict.fromkeys(_epochs(record)):
            logs[record.name, epoch] = KnownLog(record, epoch)
    for one in heard:
        for index, stretch in enumerate(_announced(one)):
            record = rooms[one.room]
            log = logs.setdefault((one.room, stretch.epoch), KnownLog(record, stretch.epoch))
            if index > one.resets:
                raise log.broken(Fault.DUPLICATED, one.reader, 1, "it came again without a reset")
            _prove_coverage(log, one.reader, stretch)
            applied += len(stretch.frames)
        restarts += len(one.stretches) - 1
        _prove_completeness(rooms[one.room], one)
    attempts = [attempt for record in rooms.values() for attempt in record.attempts.values()]
    known = sum(bool(attempt.positions) for attempt in attempts)
    return Proof(known, len(attempts) - known, applied, restarts)


def _announced(heard: Heard) -> list[Stretch]:
    """Return the stretches, with those of one log joined that no reset announced."""
    stretches = [*heard.stretches]
    while len(stretches) > heard.resets + 1 and stretches[-2].epoch == stretches[-1].epoch:
        newest, before = stretches.pop(), stretches.pop()
        frames = before.frames + newest.frames
        stretches.append(Stretch(before.epoch, before.after, frames))
    return stretches


def _epochs(record: RoomRecord) -> list[str]:
    return [p.epoch for attempt in record.attempts.values() for p in attempt.positions]


def _prove_coverage(log: KnownLog, reader: str, stretch: Stretch) -> None:
    """Prove that every offset came once, in order, and with what was published there."""
    reached = stretch.after
    for index, frame in enumerate(stretch.frames):
        wanted = reached + 1
        detail = f"{frame.first}-{frame.last} came after {reached}"
        if frame.first < wanted:
            raise log.broken(Fault.DUPLICATED, reader, frame.first, detail)
        if frame.first > wanted:
            comes_later = any(f.first <= wanted <= f.last for f in stretch.frames[index:])
            fault = Fault.REORDERED if comes_later else Fault.LOST
            raise log.broken(fault, reader, wanted, detail)
        log.prove(reader, frame)
        reached = frame.last


def _prove_completeness(record: RoomRecord, heard: Heard) -> None:
    position = heard.stretches[-1].position
    reached = position.offset if position.epoch == record.epoch else 0
    if reached < record.end:
        detail = f"it got no further than {reached}, and {record.end} was acknowledged"
        raise BrokenPromise(Fault.LOST, record.name, heard.reader, reached + 1, detail)
