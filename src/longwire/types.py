"""Small value types used by all layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from typing_extensions import override as override
else:

    def override(method):
        """Mark a method that overrides another one (`typing.override` needs Python 3.12)."""
        return method


class Position(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A position in a room's log, after the entry with this offset.

    Attributes:
        epoch: the incarnation of the log; positions of different epochs are not comparable.
        offset: 0 before the first entry. Entries are numbered 1, 2, 3, … without gaps.
    """

    epoch: str
    offset: int


class Latest(msgspec.Struct, frozen=True):
    """Conflation: an entry replaces older entries with the same `key`.

    Attributes:
        key: Python names of the fields that identify the value; empty for one value per room.
    """

    key: str | tuple[str, ...] = ()


class Concat(msgspec.Struct, frozen=True):
    """Conflation: adjacent entries with the same `key` are joined by appending their text `field`.

    The other fields are those of the newest entry.

    Attributes:
        field: Python name of the text field that is appended.
        key: Python names of the fields that must be equal to join two entries.
    """

    field: str
    key: str | tuple[str, ...] = ()


class Merge(msgspec.Struct, frozen=True):
    """Conflation: an event is a patch, and the log keeps one merged value for each `key`.

    A patch is a JSON Merge Patch (RFC 7396): the members that it has replace those of the value,
    objects are merged member by member, arrays are replaced whole, and null deletes a member. In
    an `Event`, members that a patch leaves out are `msgspec.UNSET`, and None is sent as null; in a
    pydantic model they are the fields that were not set.

    The merge is part of the append, and readers receive the merged value, which has to match the
    event's type. So patches of several writers apply in the order of the log, and the last one
    wins for each member.

    Attributes:
        key: Python names of the fields that identify the value; empty for one value per room.
        max_bytes: the largest merged value. A patch that would exceed it is refused with
            `InvalidEvent`. The default is a quarter of the message size that WebSocket clients
            accept by default.
    """

    key: str | tuple[str, ...] = ()
    max_bytes: int = 262_144


Conflation = Latest | Concat | Merge
