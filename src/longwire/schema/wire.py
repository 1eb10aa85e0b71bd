"""The payloads of Longwire's own wire: what acknowledgements and the reserved events carry.

Their names and fields are fixed; clients outside this project rely on them. A success and a
refusal are one Struct here, told apart by `ok`; in TypeScript they are a union.
"""

from __future__ import annotations

from longwire.schema.event import Record


class Fault(Record):
    """Why something was refused.

    Attributes:
        code: the stable word.
        message: one sentence for a person.
    """

    code: str
    message: str


class JoinAck(Record):
    """The answer to `join_room` and `leave_room`.

    Attributes:
        ok: whether the room was joined.
        room: the room.
        epoch: the log's incarnation, if joined.
        offset: the log's end at this moment, if joined: replay leads up to it.
        recovered: whether the given position was resumed, if joined.
        error: why not, if refused.
    """

    ok: bool
    room: str
    epoch: str | None = None
    offset: int | None = None
    recovered: bool | None = None
    error: Fault | None = None


class PublishAck(Record):
    """The answer to `publish`, and to every client event that is appended to a log.

    Attributes:
        ok: whether it was published.
        room: where it went, if published.
        epoch: the log's incarnation, if published and not volatile.
        offset: its place in the log, if published and not volatile.
        error: why not, if refused.
    """

    ok: bool
    room: str | None = None
    epoch: str | None = None
    offset: int | None = None
    error: Fault | None = None
