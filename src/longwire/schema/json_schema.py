"""JSON Schema of a payload type, by msgspec or by the model itself."""

from __future__ import annotations

from typing import Any, Final

import msgspec

JsonSchema = dict[str, Any]

UNKNOWN: Final[JsonSchema] = {"title": "unknown"}
"""What msgspec's schemas say for a value of any type."""


def schema_of(model: type) -> tuple[str, dict[str, JsonSchema]]:
    """Return the name of a type's schema, and by name all the schemas that it needs."""
    if hasattr(model, "model_json_schema"):
        return _pydantic_schema(model)
    (root,), parts = msgspec.json.schema_components(
        [model], schema_hook=lambda _: UNKNOWN, ref_template="{name}"
    )
    return root["$ref"], parts


def _pydantic_schema(model: Any) -> tuple[str, dict[str, JsonSchema]]:
    schema: JsonSchema = model.model_json_schema(ref_template="{model}")
    parts: dict[str, JsonSchema] = schema.pop("$defs", {})
    parts[model.__name__] = schema
    for part in parts.values():
        for member in part.get("properties", {}).values():
            member.pop("title", None)  # made up from the field's name; it is no type's name
    return model.__name__, parts
