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


Conflation = Latest | Concat
