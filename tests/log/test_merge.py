"""A reader's cursor."""

from __future__ import annotations

from longwire.log import Cursor, Verdict
from longwire.types import Position


def test_in_order_everything_applies() -> None:
    cursor = Cursor("e")

    assert [cursor.accept(n, n) for n in (1, 2, 3)] == [Verdict.APPLY] * 3
    assert cursor.position == Position("e", 3)


def test_what_lies_behind_is_a_duplicate_and_moves_nothing() -> None:
    cursor = Cursor("e", 5)

    assert cursor.accept(5, 5) is Verdict.DUPLICATE
    assert cursor.accept(1, 5) is Verdict.DUPLICATE
    assert cursor.accept(0, -7) is Verdict.DUPLICATE
    assert cursor.offset == 5


def test_a_hole_is_a_gap_and_moves_nothing() -> None:
    cursor = Cursor("e", 5)

    assert cursor.accept(7, 7) is Verdict.GAP
    assert cursor.accept(10**30, 10**30) is Verdict.GAP
    assert cursor.offset == 5


def test_a_merged_publication_applies_as_a_whole() -> None:
    cursor = Cursor("e", 5)

    assert cursor.accept(6, 90) is Verdict.APPLY
    assert cursor.accept(3, 91) is Verdict.APPLY
    assert cursor.offset == 91
