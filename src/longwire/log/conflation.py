"""Conflation: fewer publications that mean the same, under the coverage rule.

The coverage rule: a publication that stands for first…last promises that every entry in that
range is in it, or is superseded by a *later* publication that still comes. So `Latest` drops an
entry only in favour of a later one, `Concat` joins only what is adjacent once superseded entries
are gone, and nothing moves across another entry. Whoever is cut after any publication and
resumes from its `last` ends with the same state as one who saw every entry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from longwire.log.joined_text import fold
from longwire.log.publication import Publication

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def conflate(publications: Sequence[Publication]) -> list[Publication]:
    """Merge what conflates among publications with adjacent ranges; the whole range stays covered.

    Returns:
        Publications whose ranges are adjacent and cover those given.
    """
    if not publications:
        return []
    return list(joined(_newest(publications), publications[0].first - 1))


def joined(items: Iterable[Publication], after: int) -> Iterator[Publication]:
    """Join adjacent pieces behind `after` and close the ranges over offsets that are gone."""
    covered = after
    for item in fold(items, after):
        first = covered + 1
        covered = item.last
        if item.first == first and type(item) is Publication:
            yield item
        else:
            yield Publication(
                first, covered, item.event, item.data, item.slot, item.concat, item.timestamp_ms
            )


def _newest(publications: Sequence[Publication]) -> list[Publication]:
    """All but the `Latest` entries that a later one of the same slot supersedes."""
    seen: set[str] = set()
    kept: list[Publication] = []
    for publication in reversed(publications):
        if publication.slot is not None and publication.concat is None:
            if publication.slot in seen:
                continue
            seen.add(publication.slot)
        kept.append(publication)
    kept.reverse()
    return kept
