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
        fingerprint: the fingerprint of the event, to detect a different one with the same id.
        offset: the offset of the entry.
        expires_ms: when the receipt expires.
    """

    fingerprint: bytes
    offset: int
    expires_ms: int


class IdempotencyWindow:
    """The recent publish ids of one room. It exists as long as the room's log."""

    __slots__ = ("_receipts",)

    def __init__(self) -> None:
        self._receipts: OrderedDict[str, Receipt] = OrderedDict()

    def __len__(self) -> int:
        return len(self._receipts)

    def find(self, room: str, id: str, body: bytes, now_ms: int) -> int | None:
        """Return the offset of the publish with this id; None if the id is new.

        Raises:
            IdempotencyConflict: the fingerprint of that publish differs from `body`.
        """
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
        while receipts and next(iter(receipts.values())).expires_ms <= now_ms:
            receipts.popitem(last=False)


def fingerprint(draft: Draft) -> bytes:
    """Return a digest of the event and its fields, equal for retries of the same publish.

    `timestamp` is left out: unless the publisher sets it, every retry gets another one.
    """
    digest = blake2b(draft.event.encode(), digest_size=16)
    try:
        fields = _FIELDS.decode(draft.data)
    except msgspec.MsgspecError:
        digest.update(b"\0" + draft.data)
        return digest.digest()
    fields.pop("timestamp", None)
    digest.update(b"\0" + msgspec.json.encode(fields, order="sorted"))
    return digest.digest()
