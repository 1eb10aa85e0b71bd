"""Describes a contract as plain data, based on JSON Schema.

msgspec and pydantic both produce JSON Schema, so the same functions read events, dataclasses and
pydantic models.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

from msgspec.structs import replace

from longwire.errors import ContractError
from longwire.schema.declaration import Declaration
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
    NamedNode,
    NamedType,
    Node,
    ObjectType,
    Reference,
    Scalar,
    TupleOf,
)
from longwire.schema.docstring import camel, field_docs, summary
from longwire.schema.event import MAX_SAFE_INTEGER
from longwire.schema.json_schema import JsonSchema, schema_of
from longwire.schema.room_pattern import RoomPattern
from longwire.types import Concat, Conflation, Latest, Merge

_LIMITS: Final = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
)
_RULES: Final[dict[type[Conflation], Literal["latest", "concat", "merge"]]] = {
    Latest: "latest",
    Concat: "concat",
    Merge: "merge",
}
_KINDS: Final = {"string", "number", "integer", "boolean", "null"}
_TIMESTAMP: Final = Field(
    "timestamp",
    Scalar("integer", (("minimum", 0), ("maximum", MAX_SAFE_INTEGER))),
    is_optional=False,
    has_default=True,
    doc="Milliseconds since the Unix epoch.",
)


def describe(
    declarations: Sequence[tuple[Declaration, Mapping[str, str]]], rooms: Iterable[RoomPattern]
) -> ContractDescription:
    """Describe the events and the rooms of a contract.

    Payload types are named after their event: `job:progress` is `JobProgressEvent`.

    Args:
        declarations: each event's declaration, and the wire names of its fields.
        rooms: all room patterns.

    Raises:
        ContractError: two different types have the same name.
    """
    reader = _Reader({d.model.__name__: payload_name(d.name) for d, _ in declarations})
    events = tuple(_describe_event(reader, *declaration) for declaration in declarations)
    own = {d.room: e.room for (d, _), e in zip(declarations, events, strict=True) if d.room}
    templates = (own.get(pattern) or _wire_template(pattern, {}) for pattern in rooms)
    return ContractDescription(tuple(reader.types.values()), events, tuple(templates))


def describe_types(*models: type) -> dict[str, NamedType]:
    """Describe types and everything they refer to, by name."""
    reader = _Reader({})
    for model in models:
        reader.add(model)
    return reader.types


def payload_name(event: str) -> str:
    """Return the name of an event's payload type: `JobProgressEvent` for `job:progress`."""
    words = re.split(r"[^A-Za-z0-9]+", event)
    return "".join(word[:1].upper() + word[1:] for word in words) + "Event"


def _describe_event(
    reader: _Reader, declaration: Declaration, wire_names: Mapping[str, str]
) -> EventDescription:
    rule = declaration.conflate
    conflation = None
    if rule is not None:
        conflation = ConflationRule(
            rule=_RULES[type(rule)],
            key=tuple(wire_names[name] for name in declaration.key),
            field=wire_names[rule.field] if isinstance(rule, Concat) else None,
        )
    room = declaration.room
    return EventDescription(
        name=declaration.name,
        payload=reader.add(declaration.model),
        room=_wire_template(room, wire_names) if room else None,
        conflation=conflation,
        origin=declaration.origin,
        ack=Reference(reader.add(declaration.ack)) if declaration.ack else None,
    )


def _wire_template(pattern: RoomPattern, wire_names: Mapping[str, str]) -> str:
    return ":".join(
        f"{{{wire_names.get(s.text, camel(s.text))}}}" if s.is_parameter else s.text
        for s in pattern.segments
    )


class _Reader:
    """Collects named types from JSON Schemas."""

    def __init__(self, payload_names: dict[str, str]) -> None:
        self.types: dict[str, NamedType] = {}
        self._payload_names = payload_names
        self._parts: dict[str, JsonSchema] = {}
        self._root = ""

    def add(self, model: type) -> str:
        """Add a type and everything it refers to; return its name."""
        self._root, self._parts = schema_of(model)
        return self._take(self._root)

    def _take(self, part: str) -> str:
        # Each part is read once, at its first reference; this ends recursion and orders the types.
        name = self._payload_names.get(part) or re.sub(r"\W", "_", part)
        schema = self._parts.pop(part, None)
        if schema is None:
            return name
        if "properties" in schema:
            self._define(self._object(part, name, schema))
        elif "enum" in schema or "const" in schema:
            self._define(self._named_choice(name, schema))
        else:
            self._define(NamedNode(name, self.node(schema), summary(schema.get("description", ""))))
        return name

    def _object(self, part: str, name: str, schema: JsonSchema) -> ObjectType:
        doc = schema.get("description", "")
        docs = field_docs(doc)
        required = schema.get("required", ())
        absent = schema.get("absent", ())
        # Events and Records omit fields that are None.
        sends_nulls = part != self._root and not schema.get("omitsDefaults")
        fields = {
            member: self._field(
                member,
                described,
                docs.get(member, ""),
                is_required=member in required,
                is_absent=member in absent,
                sends_nulls=sends_nulls,
            )
            for member, described in schema["properties"].items()
        }
        if part in self._payload_names:  # inherited or added; always present, and listed last
            timestamp = fields.pop("timestamp", _TIMESTAMP)
            fields["timestamp"] = replace(timestamp, is_optional=False)
        return ObjectType(name, tuple(fields.values()), summary(doc))

    def _field(
        self,
        name: str,
        schema: JsonSchema,
        doc: str,
        *,
        is_required: bool,
        is_absent: bool,
        sends_nulls: bool,
    ) -> Field:
        defaults_to_none = not is_required and schema.get("default", ...) is None
        node = self.node(schema)
        if defaults_to_none and not sends_nulls:
            node = _without_null(node)
        is_optional = defaults_to_none or is_absent
        return Field(name, node, is_optional, not is_required, doc or _doc_of(schema))

    def node(self, schema: JsonSchema) -> Node:
        """Convert one schema."""
        if "$ref" in schema:
            return Reference(self._take(schema["$ref"]))
        if "anyOf" in schema:
            return Either(tuple(self.node(option) for option in schema["anyOf"]))
        if "enum" in schema or "const" in schema:
            return self._choice(schema)
        kind = schema.get("type")
        if kind == "array":
            return self._list(schema)
        if kind == "object":
            return MapOf(self.node(_values_of(schema)))
        limits = tuple((limit, schema[limit]) for limit in _LIMITS if limit in schema)
        return Scalar(kind if kind in _KINDS else "unknown", limits)

    def _list(self, schema: JsonSchema) -> ListOf | TupleOf:
        if "prefixItems" in schema:
            return TupleOf(tuple(self.node(item) for item in schema["prefixItems"]))
        return ListOf(self.node(schema.get("items", {})))

    def _choice(self, schema: JsonSchema) -> Node:
        if "title" not in schema:
            return Choice(tuple(schema.get("enum", [schema.get("const")])))
        self._define(self._named_choice(schema["title"], schema))
        return Reference(schema["title"])

    def _named_choice(self, name: str, schema: JsonSchema) -> NamedChoice:
        # Sorted, because msgspec and pydantic may list a shared enumeration in different orders.
        values = sorted(schema.get("enum", [schema.get("const")]), key=_rank)
        return NamedChoice(name, Choice(tuple(values)), summary(schema.get("description", "")))

    def _define(self, described: NamedType) -> None:
        known = self.types.setdefault(described.name, described)
        if known != described:
            raise ContractError(f"two different types are named {described.name}")


def _rank(value: str | int | None) -> tuple[bool, int, str]:
    return isinstance(value, str), value if isinstance(value, int) else 0, str(value)


def _values_of(schema: JsonSchema) -> JsonSchema:
    values = schema.get("additionalProperties", True)
    return {} if isinstance(values, bool) else values


def _without_null(node: Node) -> Node:
    if not isinstance(node, Either):
        return node
    options = tuple(option for option in node.options if option != Scalar("null"))
    return options[0] if len(options) == 1 else Either(options)


def _doc_of(schema: JsonSchema) -> str:
    if "title" in schema and "enum" in schema:  # the description belongs to the named type
        return ""
    docs = [schema.get("description", ""), *map(_doc_of, schema.get("anyOf", ()))]
    return next((summary(doc) for doc in docs if doc), "")
