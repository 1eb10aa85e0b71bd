"""What stands in Redis for an entry, and what the bell of a room says.

The scripts look at an entry's numbers and its slot only (`lua/room.lua`); the rest is a body that
they hand on as it is.
"""

from __future__ import annotations

import msgspec

from longwire.log import Draft, Publication
from longwire.log.joined_text import Run, restore_run
from longwire.log.retention import ENTRY_OVERHEAD

_Body = tuple[str, str | None, str | None, bytes, bytes | None]
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Body)

# What a bell begins with that rings for a volatile event; the others begin with an epoch.
VOLATILE = b"~"


class Bell(msgspec.Struct, frozen=True):
    """What the bell of a room tells: entries of adjacent offsets, as they stand in the log."""

    epoch: str
    publications: list[Publication]


def draft_fields(draft: Draft) -> tuple[bytes, bytes, int, bytes]:
    """What `append.lua` takes of a draft: kind, slot, size, body."""
    body = _ENCODER.encode((draft.event, draft.slot, draft.concat, draft.data, None))
    size = len(draft.data) + ENTRY_OVERHEAD
    if draft.slot is None:
        return b"", b"", size, body
    if draft.concat is None:
        return b"state", draft.slot.encode(), size, body
    return b"text", b"", size, body


def run_member(run: Run) -> tuple[int, bytes]:
    """The size of a run, and its member of the log."""
    size = len(run.data) + ENTRY_OVERHEAD + 16 * len(run.offsets)
    body = _ENCODER.encode((run.event, run.slot, run.concat, run.data, run.boundaries()))
    return size, b"%d %d %d -2 %b" % (run.last, run.timestamp_ms, size, body)


def parse_member(member: bytes) -> Publication:
    """The entry that a member of the log is; a `Run` if it was folded."""
    offset, timestamp_ms, _, length, rest = member.split(b" ", 4)
    body = rest[max(int(length), 0) :]
    publication, boundaries = _publication(int(offset), int(timestamp_ms), body)
    return publication if boundaries is None else restore_run(publication, boundaries)


def parse_bell(payload: bytes) -> Bell:
    """What a bell that is not volatile tells.

    Raises:
        ValueError: this is none.
    """
    header, _, bodies = payload.partition(b"\n")
    epoch, first, now_ms, *lengths = header.split()
    offset, timestamp_ms, begin = int(first), int(now_ms), 0
    publications: list[Publication] = []
    for length in map(int, lengths):
        body = bodies[begin : begin + length]
        publications.append(_publication(offset, timestamp_ms, body)[0])
        begin += length
        offset += 1
    if not publications:
        raise ValueError("a bell that brings nothing")
    return Bell(epoch.decode(), publications)


def volatile_bell(node: bytes, draft: Draft) -> bytes:
    """The bell of a volatile event that `node` has delivered to itself already."""
    body = _ENCODER.encode((draft.event, draft.slot, draft.concat, draft.data, None))
    return b"%b%b %b" % (VOLATILE, node, body)


def parse_volatile(payload: bytes) -> tuple[bytes, Draft]:
    """The node that rang, and the event.

    Raises:
        ValueError: this is no such bell.
    """
    node, _, body = payload.removeprefix(VOLATILE).partition(b" ")
    event, slot, concat, data, _ = _DECODER.decode(body)
    return node, Draft(event, data, slot, concat)


def _publication(offset: int, timestamp_ms: int, body: bytes) -> tuple[Publication, bytes | None]:
    event, slot, concat, data, boundaries = _DECODER.decode(body)
    return Publication(offset, offset, event, data, slot, concat, timestamp_ms), boundaries
