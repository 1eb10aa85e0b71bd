"""Returns the JSON Schema of a payload type, from msgspec or from a pydantic model."""

from collections.abc import Iterator
from itertools import repeat
from typing import Any, Final, cast

import msgspec
from msgspec import NODEFAULT, UNSET
from msgspec.inspect import DataclassType, Field, StructType, Type, TypedDictType, type_info

JsonSchema = dict[str, Any]

UNKNOWN: Final[JsonSchema] = {"title": "unknown"}
"""The schema of a value of any type."""


def schema_of(model: type) -> tuple[str, dict[str, JsonSchema]]:
    """Return the name of a type's schema, and all schemas that it needs by name.

    Object schemas have two more members than JSON Schema: `absent` lists the members that a sender
    may omit, and `omitsDefaults` is true if senders omit all members that have their default.
    """
    if hasattr(model, "model_json_schema"):
        return _pydantic_schema(model)
    structures: dict[Any, _Structure] = {}
    _collect(type_info(model), structures)
    (root, *refs), parts = msgspec.json.schema_components(
        [model, *structures], schema_hook=lambda _: UNKNOWN.copy(), ref_template="{name}"
    )
    for ref, structure in zip(refs, structures.values(), strict=True):
        parts[ref["$ref"]] |= _omissions(structure)
    return root["$ref"], parts


_Structure = StructType | DataclassType | TypedDictType


def _collect(info: Type, structures: dict[Any, _Structure]) -> None:
    if isinstance(info, _Structure):
        if info.cls in structures:
            return
        structures[info.cls] = info
    for child in children_of(info):
        _collect(child, structures)


def children_of(info: Type) -> Iterator[Type]:
    """Yield the types that a type refers to: of its fields, items, keys and values."""
    if fields := getattr(info, "fields", ()):
        yield from (field.type for field in fields)
        return
    for value in msgspec.structs.astuple(info):
        children = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
        yield from (child for child in children if isinstance(child, Type))


def _omissions(structure: _Structure) -> JsonSchema:
    model: Any = getattr(structure.cls, "__origin__", structure.cls)
    omits = isinstance(structure, StructType) and model.__struct_config__.omit_defaults
    absent = [f.encode_name for f in structure.fields if may_be_absent(f, omits)]
    return {"absent": absent, "omitsDefaults": omits}


def may_be_absent(field: Field, omits_defaults: bool) -> bool:
    """Return whether a sender may leave a field out; `omits_defaults` is an option of its type."""
    if field.required:
        return False
    is_plain = field.default is not NODEFAULT or field.default_factory in (list, dict, set)
    return is_unset(field) or (omits_defaults and is_plain)


def is_unset(field: Field) -> bool:
    """Return whether a field defaults to UNSET, or is an optional key of a TypedDict."""
    if field.required:
        return False
    if field.default is NODEFAULT and field.default_factory is NODEFAULT:
        return True
    # A Record turns defaults into factories; for an immutable default, `repeat(value).__next__`.
    source = getattr(field.default_factory, "__self__", None)
    return isinstance(source, repeat) and next(cast("repeat[object]", source)) is UNSET


def _pydantic_schema(model: Any) -> tuple[str, dict[str, JsonSchema]]:
    schema: JsonSchema = model.model_json_schema(ref_template="{model}")
    parts: dict[str, JsonSchema] = schema.pop("$defs", {})
    parts[model.__name__] = schema
    for part in parts.values():
        for member in part.get("properties", {}).values():
            member.pop("title", None)  # derived from the field's name; not the name of a type
    return model.__name__, parts
