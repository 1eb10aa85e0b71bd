"""Runs: adjacent text pieces folded into one entry that still knows where each piece ended.

Pieces are joined as JSON text, without decoding it: the contents of two JSON strings written
one after the other are the contents of one JSON string. In the joined object the text field
stands last, so that the rest of a run, seen from a cursor between two pieces, is a slice.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import msgspec

from longwire.log.publication import Publication

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_JOINED = 256 * 1024
"""Most bytes of text in one joined entry. It keeps a finished job of 1 MB of output within ten
frames, and is a quarter of the 1 MiB that WebSocket clients take as one message by default."""

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TAIL = b'"}'


class Run(Publication, frozen=True, gc=False):
    """Adjacent pieces of one `Concat` slot, joined.

    `first` is the offset of the first piece. Offsets between the pieces belong to entries that
    were superseded.

    Attributes:
        start: where the contents of the text begin in `data`; they end two bytes before its end.
        offsets: the offset of each piece.
        stops: where the text of each piece ends, counted from `start`.
    """

    start: int
    offsets: array[int]
    stops: array[int]

    def text_after(self, offset: int) -> tuple[bytes, int]:
        """The contents of the text of all pieces after `offset`, and the number of those gone."""
        index = bisect_right(self.offsets, offset)
        begin = self.start + (self.stops[index - 1] if index else 0)
        return self.data[begin : -len(_TAIL)], index

    def boundaries(self) -> bytes:
        """What `restore_run` needs beside the publication, packed."""
        return msgspec.msgpack.encode((self.start, list(self.offsets), list(self.stops)))


def restore_run(publication: Publication, boundaries: bytes) -> Run:
    """Rebuild a run from its joined publication and `Run.boundaries()`.

    Raises:
        msgspec.MsgspecError: `boundaries` is not what `Run.boundaries()` made.
    """
    start, offsets, stops = msgspec.msgpack.decode(
        boundaries, type=tuple[int, list[int], list[int]]
    )
    return _run(publication, publication.data, start, array("Q", offsets), array("Q", stops))


class _Builder:
    """Collects adjacent items while they join into one entry of bounded size.

    The text of an item that stays alone is not looked at.
    """

    __slots__ = ("_gone", "_items", "_newest", "_size", "_texts")

    def __init__(self, head: Publication, after: int) -> None:
        self._newest = head
        self._items: list[Publication] = []
        self._texts: list[bytes] = []
        self._gone = 0
        self._size = 0
        if isinstance(head, Run) and head.first <= after:
            self._take(head, after)

    def add(self, item: Publication) -> bool:
        """Take `item` in; False if it does not join or fit."""
        if not _joins(self._newest, item):
            return False
        return bool(self._items or self._take(self._newest)) and self._take(item)

    def _take(self, item: Publication, after: int = 0) -> bool:
        text, gone = _text(item, after)
        if text is None or (self._items and self._size + len(text) > MAX_JOINED):
            return False
        self._gone += gone
        self._size += len(text)
        self._items.append(item)
        self._texts.append(text)
        self._newest = item
        return True

    def build(self) -> Publication:
        """The item itself if it stayed alone and whole, or else a run of all that was added."""
        newest = self._newest
        if len(self._items) <= 1 and not self._gone:
            return newest
        prefix = _prefix(newest)
        data = b"".join((prefix, *self._texts, _TAIL))
        return _run(newest, data, len(prefix), *self._boundaries())

    def _boundaries(self) -> tuple[array[int], array[int]]:
        offsets: array[int] = array("Q")
        stops: array[int] = array("Q")
        size = 0
        gone = self._gone
        for item, text in zip(self._items, self._texts, strict=True):
            if isinstance(item, Run):
                shift = size - (item.stops[gone - 1] if gone else 0)
                offsets.extend(item.offsets[gone:])
                stops.extend(_shifted(item.stops[gone:], shift))
            else:
                offsets.append(item.last)
                stops.append(size + len(text))
            size += len(text)
            gone = 0
        return offsets, stops


def fold(items: Iterable[Publication], after: int = 0) -> Iterator[Publication]:
    """Join adjacent pieces of `items` that lie behind `after`; everything else passes as it is.

    Nothing moves across another entry. A piece whose text field holds no string stays alone.
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


def _run(
    newest: Publication, data: bytes, start: int, offsets: array[int], stops: array[int]
) -> Run:
    return Run(
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
    """The JSON contents of an item's text behind `after`, and how many pieces lie before it."""
    if isinstance(item, Run):
        return item.text_after(after)
    try:
        raw = bytes(_piece_decoder(item.concat or "").decode(item.data).text)
    except msgspec.MsgspecError:
        return None, 0
    return (raw[1:-1], 0) if raw[:1] == b'"' else (None, 0)


def _prefix(newest: Publication) -> bytes:
    """The newest entry's other fields, and the opening of its text."""
    if isinstance(newest, Run):
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
    """Reads the one field and skips the others; an absent one is an empty text."""
    empty = msgspec.Raw(b'""')
    piece = msgspec.defstruct(
        "Piece", [("text", msgspec.Raw, empty)], bases=(_Piece,), rename={"text": field}
    )
    return msgspec.json.Decoder(cast("type[_Piece]", piece))
