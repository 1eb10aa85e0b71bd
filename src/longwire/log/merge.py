"""A cursor merges history and live publications into one stream without loss or duplicate."""

from __future__ import annotations

from enum import Enum

from longwire.types import Position


class Verdict(Enum):
    """What a publication is to a cursor."""

    DUPLICATE = "duplicate"
    """It lies behind the cursor: drop it."""
    APPLY = "apply"
    """It is next: apply it."""
    GAP = "gap"
    """Something before it is missing: drop it, and resume from the cursor's position."""


class Cursor:
    """How far a reader of one room's log has come.

    It does not compare payloads: the range of offsets that a publication stands for decides.

    Attributes:
        epoch: the incarnation of the log that the offsets belong to.
        offset: everything up to and including it has been applied.
    """

    __slots__ = ("epoch", "offset")

    def __init__(self, epoch: str, offset: int = 0) -> None:
        self.epoch = epoch
        self.offset = offset

    @property
    def position(self) -> Position:
        """Where to resume."""
        return Position(self.epoch, self.offset)

    def accept(self, first: int, last: int) -> Verdict:
        """Judge a publication that stands for `first`…`last`, and step over it if it applies."""
        if last <= self.offset:
            return Verdict.DUPLICATE
        if first > self.offset + 1:
            return Verdict.GAP
        self.offset = last
        return Verdict.APPLY
