"""Comparing two versions of a contract."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from longwire import CATALOG, Concat, Contract, Latest, Record
from longwire.catalog import AgentType
from longwire.schema.comparison import compare_contracts
from longwire.schema.description import ContractDescription


def contract(fields: Sequence[Any], **declared: Any) -> Contract:
    """Return a contract with one event."""
    members = [(name, type_, *map(_default, rest)) for name, type_, *rest in fields]
    model = dataclasses.make_dataclass("Moved", [("thing", str), *members], kw_only=True)
    found = Contract()
    found.add(model, name="moved", **declared)
    return found


def _default(value: Any) -> Any:
    return dataclasses.field(default=value)


def changes(old: Contract, new: Contract) -> list[tuple[bool, str, str]]:
    found = compare_contracts(old.describe(), new.describe())
    return [(change.is_breaking, change.where, change.what.partition(":")[0]) for change in found]


Small = Annotated[int, Meta(ge=0, le=10)]
Large = Annotated[int, Meta(ge=0, le=100)]


class Inner(Record):
    a: int
    b: str | None = None


class Wider(Record):
    a: int
    b: str | None = None
    c: str | None = None


@pytest.mark.parametrize(
    ("before", "after", "origin", "expected"),
    [
        # A payload of the server is read, and is written by workers and retained logs.
        ([("x", int)], [], "server", (True, "the member was removed")),
        ([("x", int)], [], "client", (False, "the member was removed")),
        ([("x", int | None, None)], [], "server", (False, "the member was removed")),
        ([], [("x", int)], "server", (True, "a required member was added")),
        ([], [("x", int)], "client", (True, "a required member was added")),
        ([], [("x", int, 1)], "client", (False, "a member was added")),
        ([], [("x", int | None, None)], "server", (False, "a member was added")),
        ([("x", int)], [("x", str)], "server", (True, "the type changed from integer to string")),
        ([("x", int)], [("x", float)], "server", (True, "the type changed from integer to")),
        ([("x", int)], [("x", float)], "client", (False, "the type changed from integer to")),
        ([("x", float)], [("x", int)], "client", (True, "the type changed from number to integer")),
        ([("x", Small)], [("x", Large)], "client", (False, "the type changed from integer")),
        ([("x", Small)], [("x", Large)], "server", (True, "the type changed from integer")),
        ([("x", Large)], [("x", Small)], "client", (True, "the type changed from integer")),
        ([("x", Literal["a"])], [("x", Literal["a", "b"])], "client", (False, "values were added")),
        ([("x", Literal["a"])], [("x", Literal["a", "b"])], "server", (True, "values were added")),
        ([("x", Literal["a", "b"])], [("x", Literal["a"])], "client", (True, "values were")),
        ([("x", int)], [("x", int | str)], "client", (False, "the type changed from integer to")),
        ([("x", int)], [("x", object)], "client", (False, "the type changed from integer to unkn")),
        ([("x", list[int])], [("x", dict[str, int])], "both", (True, "the type changed")),
        ([("x", tuple[int, int])], [("x", list[int])], "client", (False, "the type changed")),
        ([("x", list[int])], [("x", tuple[int])], "client", (True, "the type changed from list")),
    ],
)  # fmt: skip
def test_a_change_of_a_member(
    before: list[Any], after: list[Any], origin: Any, expected: tuple[bool, str]
) -> None:
    [found] = changes(contract(before, origin=origin), contract(after, origin=origin))
    assert (found[0], found[2][: len(expected[1])]) == expected
    assert found[1] == "moved.x"


def test_nested_members_are_named_by_their_path() -> None:
    old, new = contract([("x", list[Inner])]), contract([("x", list[Wider])])
    assert changes(old, new) == [(False, "moved.x[].c", "a member was added")]
    assert changes(new, old) == [(False, "moved.x[].c", "the member was removed")]
    old, new = contract([("x", dict[str, int])]), contract([("x", dict[str, str])])
    assert [found[:2] for found in changes(old, new)] == [(True, "moved.x{}")]
    old, new = contract([("x", Inner | None)]), contract([("x", Wider | None)])
    assert [found[:2] for found in changes(old, new)] == [(False, "moved.x")]


def test_presence() -> None:
    old, new = contract([("x", int | None, None)]), contract([("x", int)])
    found = changes(old, new)
    assert (True, "moved.x", "the member is required now") in found
    assert all(not is_breaking for is_breaking, _, _ in changes(new, contract([("x", int, 5)])))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"room": "thing:{thing}"}, (True, "the room changed from none to thing")),
        ({}, {"conflate": Latest()}, (True, "the conflation changed")),
        ({"conflate": Concat("thing")}, {"conflate": Latest()}, (True, "the conflation changed")),
        ({}, {"origin": "both"}, (False, "the origin changed from server to both")),
        ({"origin": "both"}, {}, (True, "the origin changed from both to server")),
        ({}, {"ack": Inner}, (False, "an acknowledgement was added")),
        ({"ack": Inner}, {}, (True, "the acknowledgement was removed")),
        ({"ack": Inner}, {"ack": Wider}, (False, "a member was added")),
        ({"ack": Wider}, {"ack": Inner}, (False, "the member was removed")),
    ],
)
def test_a_change_of_a_declaration(
    before: dict[str, Any], after: dict[str, Any], expected: tuple[bool, str]
) -> None:
    found = changes(contract([], **before), contract([], **after))
    assert expected in [(is_breaking, what) for is_breaking, _, what in found]


def test_events_and_rooms() -> None:
    more = CATALOG | contract([]) | Contract(rooms=["hall"])
    assert changes(CATALOG, more) == [
        (False, "moved", "the event was added"),
        (False, "rooms", "the room hall was added"),
    ]
    assert changes(more, CATALOG) == [
        (True, "moved", "the event was removed"),
        (True, "rooms", "the room hall was removed"),
    ]


def test_a_wider_vocabulary_breaks_clients_that_validate() -> None:
    new = (CATALOG | Contract()).widen(AgentType, "translator")
    assert changes(CATALOG, new) == [(True, "agent:status.agentType", "values were added")]


def test_documentation_is_not_a_change() -> None:
    description = CATALOG.describe()
    exported = msgspec.json.decode(msgspec.json.encode(description), type=ContractDescription)
    assert exported == description
    types = tuple(msgspec.structs.replace(found, doc="") for found in description.types)
    assert compare_contracts(description, msgspec.structs.replace(description, types=types)) == []
