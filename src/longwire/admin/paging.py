"""Sorts, searches and cuts the pages of the admin interface."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from longwire.errors import LongwireError
from longwire.record import Record

T = TypeVar("T")

MAX_LIMIT: Final = 500
DEFAULT_LIMIT: Final = 50


class InvalidQuery(LongwireError):
    """A parameter of a request to the admin interface is not valid."""

    code = "invalid_query"


class Query(Record):
    """What a page shows.

    Attributes:
        sort: the member to sort by; a `-` before it sorts the largest first.
        limit: how many rows, 1 to 500.
        q: text that a row must contain, in upper or lower case.
    """

    sort: str
    limit: int = DEFAULT_LIMIT
    q: str = ""

    @classmethod
    def read(cls, given: dict[str, str], default_sort: str, row: type[Record]) -> Query:
        """Return the query of a request.

        Raises:
            InvalidQuery: a parameter is not valid; names it and what it may be.
        """
        sort = given.get("sort", default_sort)
        members = list(row.__struct_encode_fields__)
        if sort.removeprefix("-") not in members:
            raise InvalidQuery(f"sort must be one of {', '.join(members)}, got {sort[:50]!r}")
        text = given.get("limit", str(DEFAULT_LIMIT))
        if not text.isdigit() or not 1 <= int(text) <= MAX_LIMIT:
            raise InvalidQuery(f"limit must be 1 to {MAX_LIMIT}, got {text[:50]!r}")
        return cls(sort=sort, limit=int(text), q=given.get("q", "").casefold())

    def matches(self, *texts: str | None) -> bool:
        """Return whether one of the texts contains `q`."""
        return not self.q or any(self.q in text.casefold() for text in texts if text)

    def page(self, rows: Iterable[T], row: type[Record]) -> list[T]:
        """Return the first rows in order. Rows without a value come last."""
        name = self.sort.removeprefix("-")
        field = row.__struct_fields__[row.__struct_encode_fields__.index(name)]
        if self.sort.startswith("-"):
            return heapq.nlargest(self.limit, rows, key=_key(field, missing=0))
        return heapq.nsmallest(self.limit, rows, key=_key(field, missing=1))


def _key(field: str, missing: int) -> Callable[[Any], tuple[int, Any]]:
    """Return a sort key that puts rows without a value at the end."""
    present = 1 - missing

    def key(row: Any) -> tuple[int, Any]:
        value = getattr(row, field)
        return (missing, 0) if value is None else (present, value)

    return key
