"""Sorts, searches and cuts the pages of the admin interface."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping
from operator import attrgetter
from typing import Any, Final, TypeVar

import msgspec

from longwire.errors import LongwireError
from longwire.record import Record

T = TypeVar("T")

MAX_LIMIT: Final = 500
DEFAULT_LIMIT: Final = 50


class InvalidQuery(LongwireError):
    """A parameter of a request to the admin interface is not valid."""

    code = "invalid_query"


class Query(Record):
    """The order, the size and the search text of a page.

    Attributes:
        sort: the member to sort by; a `-` before it sorts the largest first.
        limit: how many rows, 1 to 500.
        q: text that a row must contain, in upper or lower case.
    """

    sort: str
    limit: int = DEFAULT_LIMIT
    q: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str], default_sort: str, columns: Collection[str]) -> Query:
        """Return the query of a request.

        Raises:
            InvalidQuery: a parameter is not valid; names it and what it may be.
        """
        sort = given.get("sort", default_sort)
        if sort.removeprefix("-") not in columns:
            raise InvalidQuery(f"sort must be one of {', '.join(columns)}, got {sort[:50]!r}")
        text = given.get("limit", str(DEFAULT_LIMIT))
        if not text.isdigit() or not 1 <= int(text) <= MAX_LIMIT:
            raise InvalidQuery(f"limit must be 1 to {MAX_LIMIT}, got {text[:50]!r}")
        return cls(sort=sort, limit=int(text), q=given.get("q", "").casefold())

    def matches(self, *texts: str | None) -> bool:
        """Return whether one of the texts contains `q`."""
        return not self.q or any(self.q in text.casefold() for text in texts if text)

    def page(self, rows: Iterable[T], row: type[msgspec.Struct]) -> list[T]:
        """Return the first rows in order. Rows without a value come last."""
        field = row.__struct_fields__[row.__struct_encode_fields__.index(self.column)]
        return self.first(rows, attrgetter(field))

    @property
    def column(self) -> str:
        """The member to sort by, without the direction."""
        return self.sort.removeprefix("-")

    def first(self, rows: Iterable[T], value: Callable[[T], Any]) -> list[T]:
        """Return the first rows in the order of what `value` returns for each, None last."""
        if self.sort.startswith("-"):
            return heapq.nlargest(self.limit, rows, key=_key(value, missing=0))
        return heapq.nsmallest(self.limit, rows, key=_key(value, missing=1))


def _key(of: Callable[[T], Any], missing: int) -> Callable[[T], tuple[int, Any]]:
    """Return a sort key that puts rows without a value at the end."""
    present = 1 - missing

    def key(row: T) -> tuple[int, Any]:
        value = of(row)
        return (missing, 0) if value is None else (present, value)

    return key
