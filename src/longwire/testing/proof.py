"""Checks that each reader received every offset of its rooms once and in order."""

from collections.abc import Iterable, Mapping

import msgspec

from longwire.testing.expected_log import ExpectedLog
from longwire.testing.records import BrokenPromise, Fault, RoomRecord, Segment


class Observation(msgspec.Struct, frozen=True):
    """What one reader received in one room.

    Attributes:
        reader: the reader's name.
        room: the room.
        segments: the frames received since the reader joined, and since each restart.
        resets: how often the server told the reader to start over.
    """

    reader: str
    room: str
    segments: list[Segment]
    resets: int


class Proof(msgspec.Struct, frozen=True):
    """The numbers of a successful check.

    Attributes:
        published: acknowledged publications.
        unknown: publications without an acknowledgement.
        applied: frames that readers received.
        restarts: how often a reader started a room over.
    """

    published: int
    unknown: int
    applied: int
    restarts: int


def prove(rooms: Mapping[str, RoomRecord], observations: Iterable[Observation]) -> Proof:
    """Prove that the readers received what was published.

    Raises:
        BrokenPromise: they did not; names the first fault.
    """
    applied = restarts = 0
    logs: dict[tuple[str, str], ExpectedLog] = {}
    for record in rooms.values():
        for epoch in dict.fromkeys(_epochs(record)):
            logs[record.name, epoch] = ExpectedLog(record, epoch)
    for seen in observations:
        for index, segment in enumerate(_announced(seen)):
            record = rooms[seen.room]
            log = logs.setdefault((seen.room, segment.epoch), ExpectedLog(record, segment.epoch))
            if index > seen.resets:
                raise log.broken(Fault.DUPLICATED, seen.reader, 1, "received again without a reset")
            _check_coverage(log, seen.reader, segment)
            applied += len(segment.frames)
        restarts += len(seen.segments) - 1
        _check_complete(rooms[seen.room], seen)
    attempts = [attempt for record in rooms.values() for attempt in record.attempts.values()]
    known = sum(bool(attempt.positions) for attempt in attempts)
    return Proof(known, len(attempts) - known, applied, restarts)


def _announced(seen: Observation) -> list[Segment]:
    """Return the segments; merge consecutive ones of one epoch that no reset separates."""
    segments = [*seen.segments]
    while len(segments) > seen.resets + 1 and segments[-2].epoch == segments[-1].epoch:
        newest, before = segments.pop(), segments.pop()
        frames = before.frames + newest.frames
        segments.append(Segment(before.epoch, before.after, frames))
    return segments


def _epochs(record: RoomRecord) -> list[str]:
    return [p.epoch for attempt in record.attempts.values() for p in attempt.positions]


def _check_coverage(log: ExpectedLog, reader: str, segment: Segment) -> None:
    """Check that every offset was received once, in order, and with the published content."""
    reached = segment.after
    for index, frame in enumerate(segment.frames):
        wanted = reached + 1
        detail = f"{frame.first}-{frame.last} was received after {reached}"
        if frame.first < wanted:
            raise log.broken(Fault.DUPLICATED, reader, frame.first, detail)
        if frame.first > wanted:
            comes_later = any(f.first <= wanted <= f.last for f in segment.frames[index:])
            fault = Fault.REORDERED if comes_later else Fault.LOST
            raise log.broken(fault, reader, wanted, detail)
        log.check(reader, frame)
        reached = frame.last


def _check_complete(record: RoomRecord, seen: Observation) -> None:
    position = seen.segments[-1].position
    reached = position.offset if position.epoch == record.epoch else 0
    if reached < record.end:
        detail = f"it received nothing after {reached}, but {record.end} was acknowledged"
        raise BrokenPromise(Fault.LOST, record.name, seen.reader, reached + 1, detail)
