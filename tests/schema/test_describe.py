"""`describe`: a contract as plain data."""

import enum
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec
import pydantic
import pytest
from msgspec import Meta

from longwire.errors import ContractError
from longwire.schema import Contract, Event, Record
from longwire.schema.describe import payload_name
from longwire.schema.description import (
    Choice,
    ConflationRule,
    ContractDescription,
    Either,
    EventDescription,
    Field,
    ListOf,
    MapOf,
    NamedChoice,
    ObjectType,
    Reference,
    Scalar,
    TupleOf,
)
from longwire.types import Concat, Latest

TIMESTAMP = Field(
    "timestamp",
    Scalar("integer", (("minimum", 0), ("maximum", 2**53 - 1))),
    is_optional=False,
    has_default=True,
    doc="Milliseconds since the Unix epoch.",
)
TEXT = Scalar("string")


def fields_of(description: ContractDescription, name: str) -> dict[str, Field]:
    described = description.type_named(name)
    assert isinstance(described, ObjectType)
    return {member.name: member for member in described.fields}


Level = Annotated[Literal["low", "high"], Meta(title="Level", description="How much.")]


class Shade(enum.Enum):
    DARK = "dark"
    LIGHT = "light"


class Leaf(Record):
    """A leaf."""

    shade: Shade


class Tree(
    Event, name="tree:seen", room="wood:{wood_id}", conflate=Concat("leaf_text", key="wood_id")
):
    """A tree was seen.

    Twice, even.

    Attributes:
        wood_id: where,
            and exactly so.
        level: how much of it.

    Raises:
        nothing: at all.
    """

    wood_id: str
    leaf_text: str
    level: Level | None = None
    leaves: list[Leaf] = []  # noqa: RUF012
    sizes: dict[str, float] | None = None
    pair: tuple[int, str] | None = None
    height: Annotated[float, Meta(gt=0, description="Metres.")] = 1.0
    anything: object = 1
    choice: Literal["a", 1] | None = "a"
    fallen: Leaf | None = None
    next: "Tree | None" = None
    free: dict[str, object] | None = None


class Felled(Event, name="tree:felled", origin="client", ack=Leaf, conflate=Latest()):
    pass


DESCRIPTION = Contract([Tree, Felled], rooms=["user:{user_id}"]).describe()


def test_payloads_are_named_after_their_event() -> None:
    assert payload_name("tree:seen") == "TreeSeenEvent"
    assert payload_name("v2/a.b-c_d") == "V2ABCDEvent"
    assert [described.name for described in DESCRIPTION.types] == [
        "Level", "Shade", "Leaf", "TreeSeenEvent", "TreeFelledEvent",
    ]  # fmt: skip


def test_events_are_described_with_wire_names() -> None:
    assert DESCRIPTION.events == (
        EventDescription(
            name="tree:seen",
            payload="TreeSeenEvent",
            room="wood:{woodId}",
            conflation=ConflationRule("concat", ("woodId",), "leafText"),
            origin="server",
            ack=None,
        ),
        EventDescription(
            name="tree:felled",
            payload="TreeFelledEvent",
            room=None,
            conflation=ConflationRule("latest", ()),
            origin="client",
            ack=Reference("Leaf"),
        ),
    )
    assert DESCRIPTION.rooms == ("user:{userId}", "wood:{woodId}")


def test_every_kind_of_type_is_described() -> None:
    fields = fields_of(DESCRIPTION, "TreeSeenEvent")
    assert {name: member.type for name, member in fields.items()} == {
        "woodId": TEXT,
        "leafText": TEXT,
        "level": Reference("Level"),
        "leaves": ListOf(Reference("Leaf")),
        "sizes": MapOf(Scalar("number")),
        "pair": TupleOf((Scalar("integer"), TEXT)),
        "height": Scalar("number", (("exclusiveMinimum", 0),)),
        "anything": Scalar("unknown"),
        "choice": Either((Choice((1, "a")), Scalar("null"))),
        "fallen": Reference("Leaf"),
        "next": Reference("TreeSeenEvent"),
        "free": MapOf(Scalar("unknown")),
        "timestamp": TIMESTAMP.type,
    }
    assert list(fields)[-1] == "timestamp"
    assert DESCRIPTION.type_named("Level") == NamedChoice(
        "Level", Choice(("high", "low")), "How much."
    )
    assert DESCRIPTION.type_named("Shade") == NamedChoice("Shade", Choice(("dark", "light")))


def test_only_fields_that_default_to_none_are_optional() -> None:
    fields = fields_of(DESCRIPTION, "TreeSeenEvent").values()
    assert [member.name for member in fields if member.is_optional] == [
        "level", "sizes", "pair", "fallen", "next", "free",
    ]  # fmt: skip
    assert [member.name for member in fields if not member.has_default] == ["woodId", "leafText"]


def test_descriptions_come_from_the_docstring_or_the_annotation() -> None:
    fields = fields_of(DESCRIPTION, "TreeSeenEvent")
    assert DESCRIPTION.type_named("TreeSeenEvent").doc == "A tree was seen.\n\nTwice, even."
    assert fields["woodId"].doc == "where, and exactly so."
    assert fields["level"].doc == "how much of it."
    assert fields["height"].doc == "Metres."
    assert fields["leafText"].doc == ""
    assert DESCRIPTION.type_named("TreeFelledEvent") == ObjectType("TreeFelledEvent", (TIMESTAMP,))


class Part(pydantic.BaseModel):
    size: int | None = None


class Whole(pydantic.BaseModel):
    """A whole."""

    kind: Literal["a", "b"] = "a"
    const: Literal["x"] = "x"
    part: Part | None = None
    rest: list[object] = []


@dataclass
class Plain:
    name: str
    note: str | None = None
    numbers: list[int] = field(default_factory=list)


def test_models_are_described_like_events() -> None:
    contract = Contract()
    contract.add(Whole, name="whole")
    contract.add(Plain, name="plain", room="plain:{name}")
    description = contract.describe()
    whole = fields_of(description, "WholeEvent")
    assert whole["kind"].type == Choice(("a", "b"))
    assert whole["const"].type == Choice(("x",))
    assert whole["part"].type == Reference("Part")
    assert whole["part"].is_optional
    assert whole["rest"].type == ListOf(Scalar("unknown"))
    plain = fields_of(description, "PlainEvent")
    assert plain["note"].type == TEXT
    assert plain["note"].is_optional
    assert not plain["numbers"].is_optional


def test_every_payload_has_a_timestamp() -> None:
    contract = Contract()
    contract.add(Whole, name="whole")
    contract.add(Plain, name="plain")
    description = contract.describe()
    assert fields_of(description, "WholeEvent")["timestamp"] == TIMESTAMP
    assert fields_of(description, "PlainEvent")["timestamp"] == TIMESTAMP


def test_a_nested_model_may_send_null() -> None:
    contract = Contract()
    contract.add(Whole, name="whole")
    size = fields_of(contract.describe(), "Part")["size"]
    assert size.is_optional
    assert size.type == Either((Scalar("integer"), Scalar("null")))


def test_rejects_two_types_with_one_name() -> None:
    class Other(Event, name="other"):
        level: Annotated[Literal["loud"], Meta(title="Level")]

    with pytest.raises(ContractError, match="two different types are named Level"):
        Contract([Tree, Other]).describe()


def test_describes_a_nested_struct() -> None:
    class Inner(msgspec.Struct):
        x: int

    class Outer(Event, name="outer"):
        inner: Inner

    description = Contract([Outer]).describe()
    assert fields_of(description, "OuterEvent")["inner"].type == Reference("Inner")


class Anything(Event, name="any:none"):
    value: object = None


class Something(Event, name="any:one"):
    value: object = 1


def test_untyped_fields_do_not_share_their_default() -> None:
    """Regression: msgspec added the default to the schema that all untyped fields shared."""
    for event in (Anything, Something):
        description = Contract([event]).describe()
    assert not fields_of(description, "AnyOneEvent")["value"].is_optional
