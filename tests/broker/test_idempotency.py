"""Publish ids, and the fingerprints of events."""

from __future__ import annotations

import pytest

from longwire.broker.idempotency import (
    MAX_IDS,
    WINDOW_MS,
    IdempotencyWindow,
    Receipt,
    digest,
    fingerprint,
)
from longwire.errors import IdempotencyConflict
from longwire.log.publication import Draft


def test_the_fingerprint_ignores_field_order_timestamp_and_slot() -> None:
    one = fingerprint(Draft("e", b'{"a":1,"b":[1,2],"timestamp":5}'))

    assert fingerprint(Draft("e", b'{"b":[1,2],"a":1}')) == one
    assert fingerprint(Draft("e", b'{"b":[1,2],"a":1,"timestamp":7}', "slot")) == one


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"timestamp":%d}',
        b'{"timestamp":%d,"a":1}',
        b'{"timestamp":%d}',
        b'{"a":{"timestamp":%d}}',
    ],
)
def test_the_digest_of_a_retry_ignores_the_timestamp_of_the_event(data: bytes) -> None:
    is_nested = b'a":{' in data
    assert (digest(Draft("e", data % 1)) == digest(Draft("e", data % 22))) is not is_nested
    assert digest(Draft("e", data % 1)) != digest(Draft("f", data % 1))


@pytest.mark.parametrize(
    "other",
    [
        Draft("f", b'{"a":1}'),
        Draft("e", b'{"a":2}'),
        Draft("e", b'{"a":1,"b":null}'),
        Draft("e", b'{"A":1}'),
        Draft("e", b"[1]"),
        Draft("e", b""),
    ],
)
def test_the_fingerprint_depends_on_the_event_and_its_fields(other: Draft) -> None:
    assert fingerprint(other) != fingerprint(Draft("e", b'{"a":1}'))
    assert fingerprint(other) == fingerprint(other)
    assert digest(other) != digest(Draft("e", b'{"a":1}'))
    assert digest(other) == digest(other)


def test_the_window_expires_ids_and_is_bounded() -> None:
    window = IdempotencyWindow()
    for number in range(MAX_IDS + 5):
        window.add(str(number), Receipt(b"body", number, number + WINDOW_MS))

    assert len(window) == MAX_IDS
    assert window.find("room", "4", b"body", 5) is None
    assert window.find("room", "5", b"body", 5) == 5
    with pytest.raises(IdempotencyConflict):
        window.find("room", "5", b"other", 5)
    assert window.find("room", "5", b"body", 5 + WINDOW_MS) is None
    assert window.find("room", "6", b"body", 5 + WINDOW_MS) == 6
