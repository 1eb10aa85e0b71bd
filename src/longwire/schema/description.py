"""A contract as plain data, for code generators and the fingerprint."""

from __future__ import annotations

from typing import Literal

import msgspec

Limit = tuple[str, int | float | str]
"""A constraint in JSON Schema's words, such as `("minimum", 0)`."""


class Scalar(msgspec.Struct, frozen=True, tag=True):
    """A JSON scalar; `unknown` is any JSON value."""

    kind: Literal["string", "number", "integer", "boolean", "null", "unknown"]
    limits: tuple[Limit, ...] = ()


class Choice(msgspec.Struct, frozen=True, tag=True):
    """One of several literal values."""

    values: tuple[str | int | None, ...]


class ListOf(msgspec.Struct, frozen=True, tag=True):
    """A JSON array."""

    item: Node


class TupleOf(msgspec.Struct, frozen=True, tag=True):
    """A JSON array with a separate type for each item."""

    items: tuple[Node, ...]


class MapOf(msgspec.Struct, frozen=True, tag=True):
    """A JSON object with arbitrary keys."""

    value: Node


class Either(msgspec.Struct, frozen=True, tag=True):
    """A value of one of several types."""

    options: tuple[Node, ...]


class Reference(msgspec.Struct, frozen=True, tag=True):
    """A reference to a named type."""

    name: str


Node = Scalar | Choice | ListOf | TupleOf | MapOf | Either | Reference


class Field(msgspec.Struct, frozen=True):
    """A member of a JSON object.

    Attributes:
        name: the wire name.
        type: the type of the value, if the member is present.
        is_optional: whether the member may be absent from a received object.
        has_default: whether a sender may omit the member.
        doc: its description.
    """

    name: str
    type: Node
    is_optional: bool
    has_default: bool
    doc: str = ""


class ObjectType(msgspec.Struct, frozen=True, tag=True):
    """A named JSON object with known members."""

    name: str
    fields: tuple[Field, ...]
    doc: str = ""


class NamedChoice(msgspec.Struct, frozen=True, tag=True):
    """A named set of literal values."""

    name: str
    choice: Choice
    doc: str = ""


class NamedNode(msgspec.Struct, frozen=True, tag=True):
    """A named type that is neither an object nor a set of literals."""

    name: str
    node: Node
    doc: str = ""


NamedType = ObjectType | NamedChoice | NamedNode


class ConflationRule(msgspec.Struct, frozen=True):
    """How entries of an event merge, with the wire names of the fields."""

    rule: Literal["latest", "concat", "merge"]
    key: tuple[str, ...]
    field: str | None = None


class EventDescription(msgspec.Struct, frozen=True):
    """One event.

    Attributes:
        name: the wire name.
        payload: the name of the payload's type.
        room: the template of its room with wire names of fields, or None.
        conflation: how its entries merge, or None.
        origin: the side that may send it.
        ack: the type of its acknowledgement, or None.
    """

    name: str
    payload: str
    room: str | None
    conflation: ConflationRule | None
    origin: Literal["server", "client", "both"]
    ack: Node | None


class ContractDescription(msgspec.Struct, frozen=True):
    """A whole contract.

    Attributes:
        types: all named types; dependencies precede their first use.
        events: all events, in the order of declaration.
        rooms: the templates of all rooms, with wire names.
    """

    types: tuple[NamedType, ...]
    events: tuple[EventDescription, ...]
    rooms: tuple[str, ...]

    def type_named(self, name: str) -> NamedType:
        """Return the type with this name."""
        return next(found for found in self.types if found.name == name)
