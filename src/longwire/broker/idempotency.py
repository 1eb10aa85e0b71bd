"""The publish ids of one room, remembered for five minutes so that retries are safe."""

from collections import OrderedDict
from hashlib import blake2b

import msgspec

from longwire.errors import IdempotencyConflict
from longwire.log.publication import Draft

WINDOW_MS = 5 * 60 * 1000
"""How long an id is remembered: longer than a client retries one publish."""
MAX_IDS = 10_000
"""Ids remembered in one room; beyond that the oldest is forgotten. It allows 33 publishes per
second over the whole window, at about 250 bytes each."""

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """Records that a publish with an id was appended.

    Attributes:
        fingerprint: the fingerprint or digest of the event, to detect a different one with the
            same id.
        offset: the offset of the entry.
        expires_ms: when the receipt expires.
    """

    fingerprint: bytes | int
    offset: int
    expires_ms: int


class IdempotencyWindow:
    """The recent publish ids of one room. It exists as long as the room's log."""

    __slots__ = ("_expires_ms", "_receipts")

    def __init__(self) -> None:
        self._receipts: OrderedDict[str, Receipt] = OrderedDict()
        self._expires_ms = 0  # no receipt expires before

    def __len__(self) -> int:
        return len(self._receipts)

    def find(self, room: str, id: str, body: bytes | int, now_ms: int) -> int | None:
        """Return the offset of the publish with this id; None if the id is new.

        Raises:
            IdempotencyConflict: the fingerprint of that publish differs from `body`.
        """
        if now_ms >= self._expires_ms:
            self._expire(now_ms)
        receipt = self._receipts.get(id)
        if receipt is None:
            return None
        if receipt.fingerprint != body:
            raise IdempotencyConflict(room, id)
        return receipt.offset

    def add(self, id: str, receipt: Receipt) -> None:
        """Remember the receipt of a publish."""
        self._receipts[id] = receipt
        if len(self._receipts) > MAX_IDS:
            self._receipts.popitem(last=False)

    def _expire(self, now_ms: int) -> None:
        receipts = self._receipts
        while receipts:
            oldest = next(iter(receipts.values()))
            if oldest.expires_ms > now_ms:
                self._expires_ms = oldest.expires_ms
                return
            receipts.popitem(last=False)


def digest(draft: Draft) -> int:
    """Return a number that is equal for retries of the same publish within one process.

    A fifth of the cost of `fingerprint`: one codec encodes all retries, so their fields have the
    same order, and the `timestamp` is usually the last one.
    """
    body, mark, time = draft.data.rpartition(b',"timestamp":')
    if not mark or not time[:-1].isdigit():
        fields = _fields_of(draft)
        body = draft.data if fields is None else msgspec.json.encode(fields)[:-1]
    return hash((draft.event, body))


def fingerprint(draft: Draft) -> bytes:
    """Return a digest of the event and its fields, equal for retries of the same publish.

    `timestamp` is left out: unless the publisher sets it, every retry gets another one.
    """
    digest = blake2b(draft.event.encode(), digest_size=16)
    fields = _fields_of(draft)
    body = draft.data if fields is None else msgspec.json.encode(fields, order="sorted")
    digest.update(b"\0" + body)
    return digest.digest()


def _fields_of(draft: Draft) -> dict[str, msgspec.Raw] | None:
    """Return the fields of an event without its timestamp; None if it is not a JSON object."""
    try:
        fields = _FIELDS.decode(draft.data)
    except msgspec.MsgspecError:
        return None
    fields.pop("timestamp", None)
    return fields
