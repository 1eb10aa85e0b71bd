"""Small values that every layer shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from typing_extensions import override as override
else:

    def override(method):
        """Mark a method that overrides one of a base class (`typing.override` is Python 3.12's)."""
        return method


class Position(msgspec.Struct, frozen=True):
    """A place in a room's log: everything up to and including `offset` lies behind it.

    Attributes:
        epoch: names the log's incarnation; positions of different epochs do not compare.
        offset: 0 before the first entry; entries are 1, 2, 3, … without holes.
    """

    epoch: str
    offset: int


class Latest(msgspec.Struct, frozen=True):
    """Conflation: of the entries that share `key`, only the newest counts.

    Attributes:
        key: Python names of the fields that tell entries apart; empty means one entry a room.
    """

    key: str | tuple[str, ...] = ()


class Concat(msgspec.Struct, frozen=True):
    """Conflation: adjacent entries that share `key` join by appending their text `field`.

    Of the other fields, those of the newest entry count.

    Attributes:
        field: Python name of the text field that is appended.
        key: Python names of the fields that must be equal for two entries to join.
    """

    field: str
    key: str | tuple[str, ...] = ()


Conflation = Latest | Concat
