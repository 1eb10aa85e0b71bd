"""Checks received frames against the log that the publishers' acknowledgements describe.

A frame covers the offsets first…last. Every entry in that range must be part of the frame, be
superseded by a later entry of its slot, or have been dropped by retention.
"""

from longwire.testing.records import Attempt, BrokenPromise, Entry, Fault, Frame, RoomRecord

Piece = tuple[int, str]
"""An offset, and the text that was published at it."""


class ExpectedLog:
    """The log of one room in one epoch, built from the recorded publications.

    Raises:
        BrokenPromise: the acknowledgements contradict each other.
    """

    def __init__(self, record: RoomRecord, epoch: str) -> None:
        self._record = record
        self._epoch = epoch
        self._entries: dict[int, Entry] = {}
        self._newest: dict[str, int] = {}
        self._ends: dict[str, int] = {}
        # Publications without an acknowledgement; the log may or may not contain them.
        self._unacknowledged: list[Entry] = []
        for attempt in record.attempts.values():
            self._add(attempt)

    def broken(self, fault: Fault, client: str, offset: int, detail: str) -> BrokenPromise:
        """Return the error for a fault in this log."""
        return BrokenPromise(fault, self._record.name, client, offset, detail)

    def check(self, reader: str, frame: Frame) -> None:
        """Check that a frame contains the entries of its offsets, and nothing else.

        Raises:
            BrokenPromise: it does not.
        """
        entry = self._entries.get(frame.last) or self._adopt(frame)
        if entry is None:
            raise self.broken(
                Fault.INVENTED, reader, frame.last, f"no publication has the data {frame.data!r}"
            )
        received = Entry.read(frame.event, frame.data, entry.slot, entry.concat)
        if (received.event, received.fields) != (entry.event, entry.fields):
            detail = f"{received.event} {received.fields} is not {entry.event} {entry.fields}"
            raise self.broken(Fault.INVENTED, reader, frame.last, detail)
        pieces: list[Piece] = []
        for offset in range(frame.first, frame.last + 1):
            other = self._entries.get(offset)
            if other is not None and entry.joins(other):
                pieces.append((offset, other.text))
            elif offset < frame.last:
                self._check_covered(reader, frame, offset, other)
        if entry.concat is not None:
            self._check_text(reader, frame, received.text, pieces)

    # Acknowledgements

    def _add(self, attempt: Attempt) -> None:
        offsets = sorted({p.offset for p in attempt.positions if p.epoch == self._epoch})
        if not offsets:
            self._unacknowledged.append(attempt.entry)
            return
        offset, *others = offsets
        publisher = attempt.publisher or "a publisher"
        if others:
            detail = f"the same publication was acknowledged at {offset} as well"
            raise self.broken(Fault.DUPLICATED, publisher, others[0], detail)
        if offset in self._entries:
            raise self.broken(Fault.LOST, publisher, offset, "acknowledged to two publications")
        if attempt.publisher is not None:
            self._check_publisher_order(attempt.publisher, offset)
        self._put(offset, attempt.entry)

    def _check_publisher_order(self, publisher: str, offset: int) -> None:
        end = self._ends.get(publisher, 0)
        if offset < end:
            detail = f"it was published after the entry at {end}"
            raise self.broken(Fault.REORDERED, publisher, offset, detail)
        self._ends[publisher] = offset

    def _put(self, offset: int, entry: Entry) -> None:
        self._entries[offset] = entry
        if entry.is_state and entry.slot is not None:
            self._newest[entry.slot] = max(offset, self._newest.get(entry.slot, 0))

    def _adopt(self, frame: Frame) -> Entry | None:
        """Match a frame with an unacknowledged publication, and add that to the log."""
        for index, entry in enumerate(self._unacknowledged):
            if Entry.read(frame.event, frame.data, entry.slot, entry.concat) == entry:
                self._put(frame.last, entry)
                return self._unacknowledged.pop(index)
        return None

    # Frames

    def _check_covered(self, reader: str, frame: Frame, offset: int, entry: Entry | None) -> None:
        """Check that an entry may be missing from the frame that covers its offset."""
        if entry is None:
            if not self._unacknowledged:
                raise self.broken(Fault.INVENTED, reader, offset, "no publication has this offset")
        elif entry.is_state:
            if self._newest[entry.slot or ""] == offset:
                detail = f"{frame.first}-{frame.last} lacks it, and no later entry supersedes it"
                raise self.broken(Fault.LOST, reader, offset, detail)
        elif offset > self._record.forgotten:
            detail = f"{frame.first}-{frame.last} covers it but lacks it"
            raise self.broken(Fault.LOST, reader, offset, detail)

    def _check_text(self, reader: str, frame: Frame, text: str, pieces: list[Piece]) -> None:
        """Check that a text consists of its pieces, each once and in order."""
        surplus = sum(len(piece) for _, piece in pieces) - len(text)
        while surplus > 0 and pieces[0][0] <= self._record.forgotten:
            surplus -= len(pieces.pop(0)[1])
        end = 0
        for index, (offset, piece) in enumerate(pieces):
            if not text.startswith(piece, end):
                raise self._text_fault(reader, offset, piece, text[end:], pieces[:index])
            end += len(piece)
        if end < len(text):
            raise self._text_fault(reader, frame.last + 1, "", text[end:], pieces)

    def _text_fault(
        self, reader: str, offset: int, piece: str, rest: str, before: list[Piece]
    ) -> BrokenPromise:
        """Return the error for a text that continues with `rest` instead of `piece`."""
        known = [text for other, text in self._texts() if other > offset and rest.startswith(text)]
        detail = f"expected {piece[:50]!r}, got {rest[:50]!r}"
        for again, text in before:
            if rest.startswith(text):
                return self.broken(Fault.DUPLICATED, reader, again, detail)
        if piece and (not rest or known):
            fault = Fault.REORDERED if piece in rest else Fault.LOST
            return self.broken(fault, reader, offset, detail)
        return self.broken(Fault.INVENTED, reader, offset, detail)

    def _texts(self) -> list[Piece]:
        return [(o, entry.text) for o, entry in self._entries.items() if entry.text]
