"""Judges frames against the log, as far as publishers were told what stands in it.

A frame that stands for first…last promises that every entry in that range is in it, or is
superseded by a later entry of its slot, or was dropped by retention.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from longwire.testing.record import BrokenPromise, Entry, Fault, Frame

if TYPE_CHECKING:
    from longwire.testing.record import Attempt, RoomRecord

Piece = tuple[int, str]
"""An offset, and the text that was published there."""


class KnownLog:
    """One incarnation of a room's log.

    Raises:
        BrokenPromise: what publishers were told contradicts itself.
    """

    def __init__(self, record: RoomRecord, epoch: str) -> None:
        self._record = record
        self._epoch = epoch
        self._entries: dict[int, Entry] = {}
        self._newest: dict[str, int] = {}
        self._ends: dict[str, int] = {}
        # What may stand here although nobody was told so.
        self._unknown: list[Entry] = []
        for attempt in record.attempts.values():
            self._take_in(attempt)

    def broken(self, fault: Fault, client: str, offset: int, detail: str) -> BrokenPromise:
        """Return the error that names a fault of this log."""
        return BrokenPromise(fault, self._record.name, client, offset, detail)

    def prove(self, reader: str, frame: Frame) -> None:
        """Prove that a frame has what it stands for.

        Raises:
            BrokenPromise: it has not, or it has something else.
        """
        entry = self._entries.get(frame.last) or self._adopt(frame)
        if entry is None:
            raise self.broken(
                Fault.INVENTED, reader, frame.last, f"nobody published {frame.data!r}"
            )
        said = Entry.read(frame.event, frame.data, entry.slot, entry.concat)
        if (said.event, said.fields) != (entry.event, entry.fields):
            detail = f"{said.event} {said.fields} is not {entry.event} {entry.fields}"
            raise self.broken(Fault.INVENTED, reader, frame.last, detail)
        pieces: list[Piece] = []
        for offset in range(frame.first, frame.last + 1):
            other = self._entries.get(offset)
            if other is not None and entry.joins(other):
                pieces.append((offset, other.text))
            elif offset < frame.last:
                self._prove_covered(reader, frame, offset, other)
        if entry.concat is not None:
            self._prove_text(reader, frame, said.text, pieces)

    # What publishers were told

    def _take_in(self, attempt: Attempt) -> None:
        offsets = sorted({p.offset for p in attempt.positions if p.epoch == self._epoch})
        if not offsets:
            self._unknown.append(attempt.entry)
            return
        offset, *others = offsets
        publisher = attempt.publisher or "a publisher"
        if others:
            detail = f"one publication, acknowledged at {offset} too"
            raise self.broken(Fault.DUPLICATED, publisher, others[0], detail)
        if offset in self._entries:
            raise self.broken(Fault.LOST, publisher, offset, "acknowledged to two publications")
        if attempt.publisher is not None:
            self._prove_publishers_order(attempt.publisher, offset)
        self._put(offset, attempt.entry)

    def _prove_publishers_order(self, publisher: str, offset: int) -> None:
        end = self._ends.get(publisher, 0)
        if offset < end:
            detail = f"it was published after what stands at {end}"
            raise self.broken(Fault.REORDERED, publisher, offset, detail)
        self._ends[publisher] = offset

    def _put(self, offset: int, entry: Entry) -> None:
        self._entries[offset] = entry
        if entry.is_state and entry.slot is not None:
            self._newest[entry.slot] = max(offset, self._newest.get(entry.slot, 0))

    def _adopt(self, frame: Frame) -> Entry | None:
        """Find what may have been published without its publisher knowing; it is so once."""
        for index, entry in enumerate(self._unknown):
            if Entry.read(frame.event, frame.data, entry.slot, entry.concat) == entry:
                self._put(frame.last, entry)
                return self._unknown.pop(index)
        return None

    # What readers were told

    def _prove_covered(self, reader: str, frame: Frame, offset: int, entry: Entry | None) -> None:
        """Prove that an entry need not be in the frame that stands for it."""
        if entry is None:
            if not self._unknown:
                raise self.broken(Fault.INVENTED, reader, offset, "nobody published anything there")
        elif entry.is_state:
            if self._newest[entry.slot or ""] == offset:
                detail = f"{frame.first}-{frame.last} has it not, and nothing supersedes it"
                raise self.broken(Fault.LOST, reader, offset, detail)
        elif offset > self._record.forgotten:
            detail = f"{frame.first}-{frame.last} stands for it and has it not"
            raise self.broken(Fault.LOST, reader, offset, detail)

    def _prove_text(self, reader: str, frame: Frame, text: str, pieces: list[Piece]) -> None:
        """Prove that a text is made of its pieces, each once and in order."""
        surplus = sum(len(piece) for _, piece in pieces) - len(text)
        while surplus > 0 and pieces[0][0] <= self._record.forgotten:
            surplus -= len(pieces.pop(0)[1])
        end = 0
        for index, (offset, piece) in enumerate(pieces):
            if not text.startswith(piece, end):
                raise self._misread(reader, offset, piece, text[end:], pieces[:index])
            end += len(piece)
        if end < len(text):
            raise self._misread(reader, frame.last + 1, "", text[end:], pieces)

    def _misread(
        self, reader: str, offset: int, piece: str, rest: str, before: list[Piece]
    ) -> BrokenPromise:
        """Say what is wrong with a text that should go on with `piece` and goes on with `rest`."""
        known = [text for other, text in self._texts() if other > offset and rest.startswith(text)]
        detail = f"{rest[:50]!r} stands where {piece[:50]!r} should"
        for again, text in before:
            if rest.startswith(text):
                return self.broken(Fault.DUPLICATED, reader, again, detail)
        if piece and (not rest or known):
            fault = Fault.REORDERED if piece in rest else Fault.LOST
            return self.broken(fault, reader, offset, detail)
        return self.broken(Fault.INVENTED, reader, offset, detail)

    def _texts(self) -> list[Piece]:
        return [(o, entry.text) for o, entry in self._entries.items() if entry.text]
