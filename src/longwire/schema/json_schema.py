"""JSON Schema of a payload type, by msgspec or by the model itself."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from msgspec import NODEFAULT, UNSET
from msgspec.inspect import DataclassType, Field, StructType, Type, TypedDictType, type_info

if TYPE_CHECKING:
    from collections.abc import Iterator

JsonSchema = dict[str, Any]

UNKNOWN: Final[JsonSchema] = {"title": "unknown"}
"""What msgspec's schemas say for a value of any type."""


def schema_of(model: type) -> tuple[str, dict[str, JsonSchema]]:
    """Return the name of a type's schema, and by name all the schemas that it needs.

    Beside what JSON Schema says, `absent` of an object names the members that may be left out of
    what is sent, and `omitsDefaults` whether that is so for all that have their default.
    """
    if hasattr(model, "model_json_schema"):
        return _pydantic_schema(model)
    structures: dict[Any, _Structure] = {}
    _collect(type_info(model), structures)
    (root, *refs), parts = msgspec.json.schema_components(
        [model, *structures], schema_hook=lambda _: UNKNOWN.copy(), ref_template="{name}"
    )
    for ref, structure in zip(refs, structures.values(), strict=True):
        parts[ref["$ref"]] |= _manners(structure)
    return root["$ref"], parts


_Structure = StructType | DataclassType | TypedDictType


def _collect(info: Type, structures: dict[Any, _Structure]) -> None:
    if isinstance(info, _Structure):
        if info.cls in structures:
            return
        structures[info.cls] = info
    for child in _children(info):
        _collect(child, structures)


def _children(info: Type) -> Iterator[Type]:
    if fields := getattr(info, "fields", ()):
        yield from (field.type for field in fields)
        return
    for value in msgspec.structs.astuple(info):
        children = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
        yield from (child for child in children if isinstance(child, Type))


def _manners(structure: _Structure) -> JsonSchema:
    model: Any = getattr(structure.cls, "__origin__", structure.cls)
    omits = isinstance(structure, StructType) and model.__struct_config__.omit_defaults
    absent = [f.encode_name for f in structure.fields if _may_be_absent(f, omits)]
    return {"absent": absent, "omitsDefaults": omits}


def _may_be_absent(field: Field, omits_defaults: bool) -> bool:
    if field.required:
        return False
    has_no_default = field.default is NODEFAULT and field.default_factory is NODEFAULT
    is_plain = field.default is not NODEFAULT or field.default_factory in (list, dict, set)
    # Nothing at all to put in its place: it is unset, or left out of a TypedDict.
    return has_no_default or _is_unset(field) or (omits_defaults and is_plain)


def _is_unset(field: Field) -> bool:
    # A Record has factories for its defaults: of one that is no container, such an iterator.
    source = getattr(field.default_factory, "__self__", None)
    return isinstance(source, repeat) and next(cast("repeat[object]", source)) is UNSET


def _pydantic_schema(model: Any) -> tuple[str, dict[str, JsonSchema]]:
    schema: JsonSchema = model.model_json_schema(ref_template="{model}")
    parts: dict[str, JsonSchema] = schema.pop("$defs", {})
    parts[model.__name__] = schema
    for part in parts.values():
        for member in part.get("properties", {}).values():
            member.pop("title", None)  # made up from the field's name; it is no type's name
    return model.__name__, parts
