"""Fingerprints of the contracts that clients were built for."""

from __future__ import annotations

import pytest

from longwire import CATALOG
from longwire.server.access.fingerprints import MAX_KNOWN, Fingerprints

OTHER = "0123456789abcdef"


def test_others_are_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    seen = Fingerprints(CATALOG)
    assert [seen.receive(OTHER) for _ in range(3)] == [CATALOG.fingerprint] * 3
    assert seen.receive(CATALOG.fingerprint) is None
    assert seen.others == {OTHER: 3}
    assert len(caplog.records) == 1


@pytest.mark.parametrize("value", [None, "", "x", OTHER.upper(), OTHER + "\n", 7, ["a"], {"a": 1}])
def test_other_values_than_fingerprints_are_ignored(value: object) -> None:
    seen = Fingerprints(CATALOG)
    assert seen.receive(value) is None
    assert seen.others == {}


def test_random_fingerprints_fill_neither_memory_nor_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen = Fingerprints(CATALOG)
    for number in range(10 * MAX_KNOWN):
        assert seen.receive(f"{number:016x}") == CATALOG.fingerprint
    assert len(seen.others) == len(caplog.records) == MAX_KNOWN
