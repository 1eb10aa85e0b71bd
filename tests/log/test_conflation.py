"""Conflation of a list of publications."""

from __future__ import annotations

from longwire.log.conflation import conflate, drop_superseded
from longwire.log.publication import Publication


def latest(offset: int, value: int, slot: str = "p") -> Publication:
    return Publication(offset, offset, "state", b'{"v":%d}' % value, slot, None, offset)


def piece(offset: int, text: str) -> Publication:
    data = b'{"n":%d,"t":"%s"}' % (offset, text.encode())
    return Publication(offset, offset, "text", data, "t", "t", offset)


def plain(offset: int) -> Publication:
    return Publication(offset, offset, "note", b"{}", None, None, offset)


def test_an_empty_list() -> None:
    assert conflate([]) == []


def test_publications_that_do_not_conflate_are_returned_unchanged() -> None:
    publications = [plain(7), plain(8), latest(9, 1), piece(10, "a")]

    merged = conflate(publications)

    assert merged == publications
    assert all(one is other for one, other in zip(merged, publications, strict=True))


def test_the_range_of_a_superseded_entry_goes_to_the_next_publication() -> None:
    merged = conflate([latest(5, 1), latest(6, 1, "q"), latest(7, 2), latest(8, 3)])

    assert [(p.first, p.last, p.data) for p in merged] == [
        (5, 6, b'{"v":1}'),
        (7, 8, b'{"v":3}'),
    ]


def test_joined_text_has_the_other_fields_and_the_time_of_the_newest_piece() -> None:
    merged = conflate([piece(5, "a"), latest(6, 1), piece(7, "b"), latest(8, 2)])

    assert merged[0] == Publication(5, 7, "text", b'{"n":7,"t":"ab"}', "t", "t", 7)


def test_conflating_twice_changes_nothing() -> None:
    merged = conflate([piece(5, "a"), piece(6, "b"), plain(7), piece(8, "c"), latest(9, 1)])

    assert conflate(merged) == merged
    assert conflate([*merged, latest(10, 2)])[-1].first == 9


def test_the_last_item_of_each_slot_is_kept_in_order() -> None:
    items = [("a", 1), (None, 2), ("b", 3), ("a", 4), (None, 5)]

    assert drop_superseded(items, lambda item: item[0]) == [
        (None, 2),
        ("b", 3),
        ("a", 4),
        (None, 5),
    ]
