"""The encoding of entries in Redis, and of the notifications that announce them.

The scripts read only the numbers and the slot of an entry (`lua/room.lua`); the rest is an opaque
body to them. A *notification* is the pub/sub message that announces new entries of a room.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UnsetType

from longwire.errors import Conflict, JobEnded, LongwireError, StaleAttempt
from longwire.log.condition import Condition
from longwire.log.joined_text import JoinedText, restore_joined_text
from longwire.log.publication import Draft, Publication
from longwire.log.retention import ENTRY_OVERHEAD
from longwire.types import Position

_Body = tuple[str, str | None, str | None, bytes, bytes | None]
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Body)
_ARRAY_OF_FIVE = b"\x95"

VOLATILE = b"~"
"""First byte of the notification of a volatile event. Other notifications start with an epoch."""


class Notification(msgspec.Struct, frozen=True):
    """New entries of a room, with adjacent offsets."""

    epoch: str
    publications: list[Publication]


def draft_fields(draft: Draft) -> tuple[bytes, bytes, int, bytes]:
    """Return the arguments of `append.lua` for a draft: kind, slot, size, body."""
    body = _ENCODER.encode((draft.event, draft.slot, draft.concat, draft.data, None))
    size = len(draft.data) + ENTRY_OVERHEAD
    if draft.slot is None:
        return b"", b"", size, body
    if draft.concat is None:
        return b"state", draft.slot.encode(), size, body
    return b"text", b"", size, body


def encode_condition(condition: Condition, draft: Draft) -> bytes:
    """Return the argument of `append.lua` for a condition of a draft.

    It consists of action, attempt, expected position, and the prefix that the bodies of all entries
    of the draft's event and slot share. The expected position is `*` if it is not checked, and `-`
    if there must not be an entry.
    """
    action, attempt = "none", 0
    if condition.fence is not None:
        action, attempt = condition.fence.action, condition.fence.attempt
    if isinstance(condition.expect, UnsetType):
        expect = "*"
    elif condition.expect is None:
        expect = "-"
    else:
        expect = f"{condition.expect.epoch}:{condition.expect.offset}"
    prefix = _ARRAY_OF_FIVE + _ENCODER.encode(draft.event) + _ENCODER.encode(draft.slot)
    return f"{action} {attempt} {expect} ".encode() + prefix


def parse_refusal(epoch: bytes, refusal: Sequence[Any]) -> tuple[LongwireError, Publication | None]:
    """Return the error for a draft whose condition did not hold, and the entry in conflict."""
    kind, *details = refusal
    if kind == b"stale":
        return StaleAttempt(int(details[0])), None
    if kind == b"ended":
        return JobEnded(), None
    if not details:
        return Conflict(None, None), None
    newest = parse_member(details[0])
    position = Position(epoch.decode(), newest.last)
    return Conflict(position, msgspec.json.decode(newest.data)), newest


def joined_member(text: JoinedText) -> tuple[int, bytes]:
    """Return the size of joined text, and its member of the sorted set `log`."""
    size = len(text.data) + ENTRY_OVERHEAD + 16 * len(text.offsets)
    body = _ENCODER.encode((text.event, text.slot, text.concat, text.data, text.boundaries()))
    return size, b"%d %d %d -2 %b" % (text.last, text.timestamp_ms, size, body)


def parse_member(member: bytes) -> Publication:
    """Parse a member of the sorted set `log`; the result may be `JoinedText`."""
    offset, timestamp_ms, _, length, rest = member.split(b" ", 4)
    body = rest[max(int(length), 0) :]
    publication, boundaries = _publication(int(offset), int(timestamp_ms), body)
    return publication if boundaries is None else restore_joined_text(publication, boundaries)


def parse_notification(payload: bytes) -> Notification:
    """Parse the notification of logged entries.

    Raises:
        ValueError: the payload is malformed.
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
        raise ValueError("the notification contains no entry")
    return Notification(epoch.decode(), publications)


def encode_volatile(node: bytes, draft: Draft) -> bytes:
    """Encode the notification of a volatile event, which `node` has delivered to itself already."""
    body = _ENCODER.encode((draft.event, draft.slot, draft.concat, draft.data, None))
    return b"%b%b %b" % (VOLATILE, node, body)


def parse_volatile(payload: bytes) -> tuple[bytes, Draft]:
    """Return the publishing node and the event.

    Raises:
        ValueError: the payload is malformed.
    """
    node, _, body = payload.removeprefix(VOLATILE).partition(b" ")
    event, slot, concat, data, _ = _DECODER.decode(body)
    return node, Draft(event, data, slot, concat)


def _publication(offset: int, timestamp_ms: int, body: bytes) -> tuple[Publication, bytes | None]:
    event, slot, concat, data, boundaries = _DECODER.decode(body)
    return Publication(offset, offset, event, data, slot, concat, timestamp_ms), boundaries
