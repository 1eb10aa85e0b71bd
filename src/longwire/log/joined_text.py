"""Adjacent `Concat` entries ("pieces") joined into one entry that remembers each piece's end.

Pieces are joined as JSON text without decoding it: the contents of two JSON strings, written one
after the other, are the contents of one JSON string. The text is the last field of the joined
object, so the rest of it, seen from a cursor between two pieces, is a slice of bytes::

    offset 7  {"id":"1","chunk":"Hello "}
    offset 8  {"chunk":"wörld","id":"1"}
    joined    {"id":"1","chunk":"Hello wörld"}   offsets 7, 8; stops 6, 12
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import cast

import msgspec

from longwire.log.publication import Publication

MAX_JOINED = 256 * 1024
"""Maximum bytes of text in one joined entry: a finished job with 1 MB of output fits into ten
frames, each a quarter of the 1 MiB that WebSocket clients accept by default."""

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TAIL = b'"}'


class JoinedText(Publication, frozen=True, gc=False):
    """Adjacent pieces of one `Concat` slot, joined into one entry.

    `first` is the offset of the first piece. Offsets missing between the pieces belong to
    superseded entries.

    Attributes:
        start: index in `data` where the contents of the text begin; they end at `-len(_TAIL)`.
        offsets: the offset of each piece.
        stops: the end of each piece's text, in bytes from `start`.
    """

    start: int
    offsets: array[int]
    stops: array[int]

    def text_after(self, offset: int) -> tuple[bytes, int]:
        """Return the text of all pieces after `offset`, and how many pieces precede it."""
        index = bisect_right(self.offsets, offset)
        begin = self.start + (self.stops[index - 1] if index else 0)
        return self.data[begin : -len(_TAIL)], index

    def boundaries(self) -> bytes:
        """Encode what `restore_joined_text` needs in addition to the publication."""
        return msgspec.msgpack.encode((self.start, list(self.offsets), list(self.stops)))


def restore_joined_text(publication: Publication, boundaries: bytes) -> JoinedText:
    """Rebuild joined text from its publication and the result of `JoinedText.boundaries()`.

    Raises:
        msgspec.MsgspecError: `boundaries` is malformed.
    """
    start, offsets, stops = msgspec.msgpack.decode(
        boundaries, type=tuple[int, list[int], list[int]]
    )
    return _joined(publication, publication.data, start, array("Q", offsets), array("Q", stops))


class _Builder:
    """Collects adjacent items as long as they join into one entry of bounded size.

    The text of the first item is extracted only when a second one joins: most items stay alone.

    `_skipped` is how many pieces of the first item precede the reader's position.
    """

    __slots__ = ("_items", "_newest", "_size", "_skipped", "_texts")

    def __init__(self, head: Publication, after: int) -> None:
        self._newest = head
        self._items: list[Publication] = []
        self._texts: list[bytes] = []
        self._skipped = 0
        self._size = 0
        if isinstance(head, JoinedText) and head.first <= after:
            self._append(head, after)

    def add(self, item: Publication) -> bool:
        """Append `item`; return False if it does not join or would exceed the size."""
        if not _joins(self._newest, item):
            return False
        return bool(self._items or self._append(self._newest)) and self._append(item)

    def _append(self, item: Publication, after: int = 0) -> bool:
        text, skipped = _text(item, after)
        if text is None or (self._items and self._size + len(text) > MAX_JOINED):
            return False
        self._skipped += skipped
        self._size += len(text)
        self._items.append(item)
        self._texts.append(text)
        self._newest = item
        return True

    def build(self) -> Publication:
        """Return the item itself if it is alone and whole, otherwise all items joined."""
        newest = self._newest
        if len(self._items) <= 1 and not self._skipped:
            return newest
        prefix = _prefix(newest)
        data = b"".join((prefix, *self._texts, _TAIL))
        return _joined(newest, data, len(prefix), *self._boundaries())

    def _boundaries(self) -> tuple[array[int], array[int]]:
        offsets: array[int] = array("Q")
        stops: array[int] = array("Q")
        size = 0
        skipped = self._skipped
        for item, text in zip(self._items, self._texts, strict=True):
            if isinstance(item, JoinedText):
                # Its stops count from the start of its own text, of which `skipped` pieces are cut.
                shift = size - (item.stops[skipped - 1] if skipped else 0)
                offsets.extend(item.offsets[skipped:])
                stops.extend(_shifted(item.stops[skipped:], shift))
            else:
                offsets.append(item.last)
                stops.append(size + len(text))
            size += len(text)
            skipped = 0
        return offsets, stops


def join_text(items: Iterable[Publication], after: int = 0) -> Iterator[Publication]:
    """Join adjacent pieces of the same slot, leaving out those up to offset `after`.

    All other items pass unchanged and nothing moves across another entry. A piece whose text
    field is not a string is not joined.
    """
    builder: _Builder | None = None
    for item in items:
        if builder is not None:
            if builder.add(item):
                continue
            yield builder.build()
            builder = None
        if item.concat is None:
            yield item
        else:
            builder = _Builder(item, after)
    if builder is not None:
        yield builder.build()


def _shifted(stops: array[int], shift: int) -> array[int]:
    return array("Q", [stop + shift for stop in stops]) if shift else stops


def _joins(older: Publication, newer: Publication) -> bool:
    return older.slot == newer.slot and older.concat == newer.concat and older.event == newer.event


def _joined(
    newest: Publication, data: bytes, start: int, offsets: array[int], stops: array[int]
) -> JoinedText:
    return JoinedText(
        first=offsets[0],
        last=newest.last,
        event=newest.event,
        data=data,
        slot=newest.slot,
        concat=newest.concat,
        timestamp_ms=newest.timestamp_ms,
        start=start,
        offsets=offsets,
        stops=stops,
    )


def _text(item: Publication, after: int) -> tuple[bytes | None, int]:
    """Return the JSON contents of an item's text after `after`, and how many pieces precede it.

    The text is None if the field is not a string.
    """
    if isinstance(item, JoinedText):
        return item.text_after(after)
    try:
        raw = bytes(_piece_decoder(item.concat or "").decode(item.data).text)
    except msgspec.MsgspecError:
        return None, 0
    return (raw[1:-1], 0) if raw[:1] == b'"' else (None, 0)


def _prefix(newest: Publication) -> bytes:
    """Return the JSON of the newest entry's other fields, up to the opening quote of its text."""
    if isinstance(newest, JoinedText):
        return newest.data[: newest.start]
    fields = _FIELDS.decode(newest.data)
    name = newest.concat or ""
    fields.pop(name, None)
    others = msgspec.json.encode(fields)[:-1]
    comma = b"," if fields else b""
    return b"".join((others, comma, msgspec.json.encode(name), b':"'))


class _Piece(msgspec.Struct, gc=False):
    text: msgspec.Raw


@lru_cache(maxsize=128)
def _piece_decoder(field: str) -> msgspec.json.Decoder[_Piece]:
    """Return a decoder that reads one field and skips the others; an absent field is empty."""
    empty = msgspec.Raw(b'""')
    piece = msgspec.defstruct(
        "Piece", [("text", msgspec.Raw, empty)], bases=(_Piece,), rename={"text": field}
    )
    return msgspec.json.Decoder(cast("type[_Piece]", piece))
