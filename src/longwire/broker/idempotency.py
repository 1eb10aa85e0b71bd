"""Publish ids of one room, remembered for a while so that retries are safe."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from longwire.errors import IdempotencyConflict

if TYPE_CHECKING:
    from longwire.log import Draft

WINDOW_MS = 5 * 60 * 1000
"""How long an id is remembered: longer than a client keeps retrying one publish."""
MAX_IDS = 10_000
"""Ids remembered in one room, the oldest forgotten first: 33 a second for the whole window, at
about 250 bytes each."""

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """That a publish with an id was appended.

    Attributes:
        fingerprint: of the event, so that another one under the same id is noticed.
        offset: where it stands.
        expires_ms: when it is forgotten.
    """

    fingerprint: bytes
    offset: int
    expires_ms: int


class IdempotencyWindow:
    """The publish ids of one room within the window. It lives and dies with the room's log."""

    __slots__ = ("_receipts",)

    def __init__(self) -> None:
        self._receipts: OrderedDict[str, Receipt] = OrderedDict()

    def __len__(self) -> int:
        return len(self._receipts)

    def find(self, room: str, id: str, body: bytes, now_ms: int) -> int | None:
        """The offset under which `id` was appended; None if it is new.

        Raises:
            IdempotencyConflict: it was appended with another fingerprint than `body`.
        """
        self._forget(now_ms)
        receipt = self._receipts.get(id)
        if receipt is None:
            return None
        if receipt.fingerprint != body:
            raise IdempotencyConflict(room, id)
        return receipt.offset

    def add(self, id: str, receipt: Receipt) -> None:
        """Remember that `id` was appended."""
        self._receipts[id] = receipt
        if len(self._receipts) > MAX_IDS:
            self._receipts.popitem(last=False)

    def _forget(self, now_ms: int) -> None:
        receipts = self._receipts
        while receipts and next(iter(receipts.values())).expires_ms <= now_ms:
            receipts.popitem(last=False)


def fingerprint(draft: Draft) -> bytes:
    """What two publishes share if they are the same: the event and its fields.

    `timestamp` is left out: it is stamped anew at each try if the publisher gave none.
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
