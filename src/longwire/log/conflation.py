"""Conflation: merge publications under the coverage rule.

The coverage rule: a publication with the range first…last promises that every entry in that range
is either contained in it or superseded by a *later* publication that is still to come. Three
restrictions follow. `Latest` drops an entry only in favour of a later one. `Concat` joins only
entries that are adjacent once superseded entries are gone. No entry moves across another one.

A reader that is cut off after any publication and resumes from its `last` therefore ends with the
same state as a reader that received every entry. For example, with progress (p) and text (t)::

    log       1 p=10   2 t="a"   3 p=20   4 t="b"
    frames    2 t="a" (1-2)      3 p=20 (3-3)      4 t="b" (4-4)

Entry 1 is superseded by 3, so the frame of entry 2 covers it: a reader cut off after that frame
has not seen any progress, resumes from 2 and receives p=20. The texts stay apart: joining them
before p=20 would mean applying entry 4 too early, and joining them after it would mean that a
reader cut off after p=20 misses "a".
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import TypeVar

from longwire.log.joined_text import join_text
from longwire.log.publication import Publication

T = TypeVar("T")


def conflate(publications: Sequence[Publication]) -> list[Publication]:
    """Merge publications with adjacent ranges into as few as possible.

    Returns:
        Publications with adjacent ranges that together cover the same offsets.
    """
    if not publications:
        return []
    newest = drop_superseded(publications, attrgetter("latest_slot"))
    return list(join_and_cover(newest, publications[0].first - 1))


def drop_superseded(items: Sequence[T], latest_slot: Callable[[T], Hashable | None]) -> list[T]:
    """Keep only the last item of each `Latest` slot, and every item without one, in order.

    Args:
        items: any items, oldest first.
        latest_slot: returns the slot in which an item replaces earlier ones, or None.
    """
    seen: set[Hashable] = set()
    kept: list[T] = []
    for item in reversed(items):
        slot = latest_slot(item)
        if slot is not None:
            if slot in seen:
                continue
            seen.add(slot)
        kept.append(item)
    kept.reverse()
    return kept


def join_and_cover(items: Iterable[Publication], after: int) -> Iterator[Publication]:
    """Join adjacent text after offset `after`, and widen each range over the offsets before it.

    The offsets between two retained entries belong to superseded entries. They go into the range
    of the *next* publication: the entry that superseded them comes with it or after it.
    """
    covered = after
    for item in join_text(items, after):
        first = covered + 1
        covered = item.last
        if item.first == first and type(item) is Publication:
            yield item  # the common case: the same object, so that it is encoded only once
        else:
            yield Publication(
                first, covered, item.event, item.data, item.slot, item.concat, item.timestamp_ms
            )
