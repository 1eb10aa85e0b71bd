"""Codecs for dataclasses and pydantic models.

They are several times slower than `EventCodec`, so the catalogue uses `Event` classes. Pydantic is
not imported: its models are recognised by their methods.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from longwire.errors import ContractError
from longwire.schema.codec import encode_json
from longwire.schema.fault import CODEC_ERRORS, invalid_event, refuse_non_finite

_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclasses.dataclass(eq=False, repr=False)
class ModelCodec:
    """Encodes and decodes a model with the given dump and load functions.

    The payload always contains a timestamp, even if the model has no such field. It omits fields
    that are None and default to None.

    Args:
        name: the event's wire name.
        wire_names: the wire names of the fields, by Python name.
        optional: the wire names of fields that default to None.
        dump: returns the model as dicts, lists and scalars (for errors), and as JSON.
        load: parses and validates JSON.
    """

    name: str
    wire_names: Mapping[str, str]
    optional: frozenset[str]
    dump: Callable[[object], tuple[object, bytes]]
    load: Callable[[bytes], object]

    def encode(self, event: object, now_ms: int) -> tuple[bytes, object]:
        """See `Codec.encode`."""
        try:
            plain, data = self.dump(event)
            refuse_non_finite(self.name, plain)
            members = self._without_nulls(_decode_members(data))
            sent = self.load(encode_json(members))
        except CODEC_ERRORS as error:
            raise invalid_event(self.name, error) from error
        if bytes(members.get("timestamp", _ZERO)) == b"0":
            members["timestamp"] = msgspec.Raw(b"%d" % now_ms)
        return encode_json(members), sent

    def decode(self, data: bytes | msgspec.Raw) -> object:
        """See `Codec.decode`."""
        try:
            members = _decode_members(data)
            if "timestamp" not in self.wire_names:
                members.pop("timestamp", None)
            return self.load(encode_json(members))
        except CODEC_ERRORS as error:
            raise invalid_event(self.name, error) from error

    def _without_nulls(self, members: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
        return {
            name: raw
            for name, raw in members.items()
            if name not in self.optional or bytes(raw) != b"null"
        }


_ZERO = msgspec.Raw(b"0")


def model_codec(name: str, model: type, *, is_patch: bool = False) -> ModelCodec:
    """Return the codec of a dataclass or a pydantic model.

    Args:
        name: the event's wire name.
        model: the type of the payload.
        is_patch: whether payloads contain only the fields that were set; None is sent as null.

    Raises:
        ContractError: the model is neither.
    """
    if hasattr(model, "model_validate_json") and hasattr(model, "model_json_schema"):
        return _pydantic_codec(name, model, is_patch)
    if hasattr(model, "__dataclass_fields__"):
        return _dataclass_codec(name, model, is_patch)
    raise ContractError(
        f"{name}: {model.__name__} must be an Event, a dataclass or a pydantic model"
    )


def _dataclass_codec(name: str, model: type, is_patch: bool) -> ModelCodec:
    fields = dataclasses.fields(model)

    def dump(event: object) -> tuple[object, bytes]:
        plain = msgspec.to_builtins(event)
        return plain, encode_json(plain)

    return ModelCodec(
        name,
        wire_names={field.name: field.name for field in fields},
        optional=frozenset(f.name for f in fields if f.default is None and not is_patch),
        dump=dump,
        load=msgspec.json.Decoder(model).decode,
    )


def _pydantic_codec(name: str, model: Any, is_patch: bool) -> ModelCodec:
    fields: dict[str, Any] = model.model_fields
    wire_names: dict[str, str] = {
        python: field.serialization_alias or field.alias or python
        for python, field in fields.items()
    }

    def dump(event: Any) -> tuple[object, bytes]:
        return (
            event.model_dump(by_alias=True, exclude_unset=is_patch),
            event.model_dump_json(by_alias=True, exclude_unset=is_patch).encode(),
        )

    return ModelCodec(
        name,
        wire_names=wire_names,
        optional=frozenset(
            wire_names[python]
            for python, field in fields.items()
            if field.default is None and not field.is_required() and not is_patch
        ),
        dump=dump,
        load=model.model_validate_json,
    )
