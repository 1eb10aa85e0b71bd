"""The cursor of a reader: merges history and live publications without loss or duplicates."""

from enum import Enum

from longwire.types import Position


class Verdict(Enum):
    """How a publication relates to a cursor."""

    DUPLICATE = "duplicate"
    """It is behind the cursor: drop it."""
    APPLY = "apply"
    """It is next: apply it."""
    GAP = "gap"
    """Entries before it are missing: drop it, and resume from the cursor's position."""


class Cursor:
    """How far a reader has read the log of one room.

    Only the range of offsets that a publication covers decides; payloads are not compared.

    Attributes:
        epoch: the incarnation of the log that the offsets belong to.
        offset: the highest applied offset; every entry up to it has been applied.
    """

    __slots__ = ("epoch", "offset")

    def __init__(self, epoch: str, offset: int = 0) -> None:
        self.epoch = epoch
        self.offset = offset

    @property
    def position(self) -> Position:
        """The position to resume from."""
        return Position(self.epoch, self.offset)

    def take(self, first: int, last: int) -> Verdict:
        """Classify a publication that covers `first`…`last`, and advance if it applies."""
        if last <= self.offset:
            return Verdict.DUPLICATE
        if first > self.offset + 1:
            return Verdict.GAP
        self.offset = last
        return Verdict.APPLY
