"""The cursor of a reader."""

from __future__ import annotations

from longwire.log.merge import Cursor, Verdict
from longwire.types import Position


def test_publications_in_order_apply() -> None:
    cursor = Cursor("e")

    assert [cursor.take(n, n) for n in (1, 2, 3)] == [Verdict.APPLY] * 3
    assert cursor.position == Position("e", 3)


def test_a_publication_behind_the_cursor_is_a_duplicate() -> None:
    cursor = Cursor("e", 5)

    assert cursor.take(5, 5) is Verdict.DUPLICATE
    assert cursor.take(1, 5) is Verdict.DUPLICATE
    assert cursor.take(0, -7) is Verdict.DUPLICATE
    assert cursor.offset == 5


def test_a_publication_after_a_gap_does_not_advance_the_cursor() -> None:
    cursor = Cursor("e", 5)

    assert cursor.take(7, 7) is Verdict.GAP
    assert cursor.take(10**30, 10**30) is Verdict.GAP
    assert cursor.offset == 5


def test_a_merged_publication_advances_over_its_whole_range() -> None:
    cursor = Cursor("e", 5)

    assert cursor.take(6, 90) is Verdict.APPLY
    assert cursor.take(3, 91) is Verdict.APPLY
    assert cursor.offset == 91
