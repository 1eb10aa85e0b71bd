"""JSON Schema of a contract's types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from longwire.schema.description import (
    Choice,
    Either,
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

JsonSchema = dict[str, Any]


def schema_of_type(described: NamedType) -> JsonSchema:
    """Return the schema of a named type; references point to `#/components/schemas`."""
    if isinstance(described, NamedNode):
        schema = schema_of_node(described.node)
    elif isinstance(described, NamedChoice):
        schema = schema_of_node(described.choice)
    else:
        schema = _object_schema(described)
    return {**schema, **({"description": described.doc} if described.doc else {})}


def schema_of_node(node: Node) -> JsonSchema:
    """Return the schema of a type expression."""
    return _SCHEMAS[type(node)](node)


def _object_schema(described: ObjectType) -> JsonSchema:
    required = [field.name for field in described.fields if not field.is_optional]
    return {
        "type": "object",
        "properties": {field.name: _member_schema(field) for field in described.fields},
        **({"required": required} if required else {}),
    }


def _member_schema(field: Field) -> JsonSchema:
    schema = schema_of_node(field.type)
    if not field.doc:
        return schema
    # JSON Schema draft 7 ignores everything beside a reference.
    schema = {"allOf": [schema]} if "$ref" in schema else schema
    return {**schema, "description": field.doc}


def _scalar_schema(node: Scalar) -> JsonSchema:
    return {} if node.kind == "unknown" else {"type": node.kind, **dict(node.limits)}


_SCHEMAS: Final[dict[type, Callable[[Any], JsonSchema]]] = {
    Scalar: _scalar_schema,
    Choice: lambda node: {"enum": list(node.values)},
    ListOf: lambda node: {"type": "array", "items": schema_of_node(node.item)},
    TupleOf: lambda node: {
        "type": "array",
        "items": [schema_of_node(item) for item in node.items],
        "minItems": len(node.items),
        "maxItems": len(node.items),
    },
    MapOf: lambda node: {"type": "object", "additionalProperties": schema_of_node(node.value)},
    Either: lambda node: {"anyOf": [schema_of_node(option) for option in node.options]},
    Reference: lambda node: {"$ref": f"#/components/schemas/{node.name}"},
}
