"""A contract as plain data, free of Python: what code generators and the fingerprint read."""

from __future__ import annotations

from typing import Literal

import msgspec

Limit = tuple[str, int | float | str]
"""A constraint as JSON Schema names it, such as `("minimum", 0)`."""


class Scalar(msgspec.Struct, frozen=True, tag=True):
    """A JSON scalar; `unknown` is any JSON value."""

    kind: Literal["string", "number", "integer", "boolean", "null", "unknown"]
    limits: tuple[Limit, ...] = ()


class Choice(msgspec.Struct, frozen=True, tag=True):
    """One of some literal values."""

    values: tuple[str | int | None, ...]


class ListOf(msgspec.Struct, frozen=True, tag=True):
    """A JSON array."""

    item: Node


class TupleOf(msgspec.Struct, frozen=True, tag=True):
    """A JSON array whose items each have a type of their own."""

    items: tuple[Node, ...]


class MapOf(msgspec.Struct, frozen=True, tag=True):
    """A JSON object with free keys."""

    value: Node


class Either(msgspec.Struct, frozen=True, tag=True):
    """A value of one of several types."""

    options: tuple[Node, ...]


class Reference(msgspec.Struct, frozen=True, tag=True):
    """A type with a name."""

    name: str


Node = Scalar | Choice | ListOf | TupleOf | MapOf | Either | Reference


class Field(msgspec.Struct, frozen=True):
    """A member of a JSON object.

    Attributes:
        name: its name on the wire.
        type: what it holds when it is there.
        is_optional: whether it may be absent from what is received.
        has_default: whether a sender may leave it out.
        doc: what it means.
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
    """A named type of any other shape."""

    name: str
    node: Node
    doc: str = ""


NamedType = ObjectType | NamedChoice | NamedNode


class ConflationRule(msgspec.Struct, frozen=True):
    """How entries of an event merge, in the wire's field names."""

    rule: Literal["latest", "concat"]
    key: tuple[str, ...]
    field: str | None = None


class EventDescription(msgspec.Struct, frozen=True):
    """One event.

    Attributes:
        name: its name on the wire.
        payload: the name of its payload's type.
        room: the template of its own room in the wire's field names, if it has one.
        conflation: how its entries merge, if they do.
        origin: who may send it.
        ack: the type of its acknowledgement, if it has one.
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
        types: every named type, dependencies first where they are first used.
        events: every event in the order of declaration.
        rooms: the templates of all rooms, in the wire's names.
    """

    types: tuple[NamedType, ...]
    events: tuple[EventDescription, ...]
    rooms: tuple[str, ...]

    def type_named(self, name: str) -> NamedType:
        """Return the type of that name."""
        return next(found for found in self.types if found.name == name)
