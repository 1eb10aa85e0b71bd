"""An event of a contract: its declaration together with its codec."""

import enum
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import inspect

from longwire.errors import ContractError, InvalidEvent, InvalidRoom
from longwire.schema.codec import Codec, EventCodec, encode_json
from longwire.schema.declaration import Declaration
from longwire.schema.event import Event
from longwire.schema.fault import CODEC_ERRORS, invalid_event
from longwire.schema.merge_patch import merge_patch
from longwire.schema.model_codec import model_codec
from longwire.schema.patch_types import check_patch_fields
from longwire.schema.widening import Values, WiderModel, wider_model
from longwire.types import Merge

_NONE: Mapping[str, Values] = {}

Merger = Callable[[bytes | None, bytes], bytes]
"""Returns the value that a log contains after a patch, given the value before it, if any."""


class EventType:
    """Encodes payloads of one event, and determines their room and slot.

    Args:
        declaration: the event's declaration.
        additions: values that the contract adds to vocabularies, by the vocabulary's title.

    Attributes:
        declaration: the event's declaration.
        model: the payload type with these vocabularies, to describe.
        codec: encodes and decodes payloads.
        concat: the wire name of the text field of `Concat`, or None.
        merge: for `Merge`, applies a patch to the value in the log; None for other rules.

    Raises:
        ContractError: the payload's type does not support the declaration.
    """

    def __init__(self, declaration: Declaration, additions: Mapping[str, Values] = _NONE) -> None:
        self.declaration = declaration
        wider = wider_model(declaration.model, additions) if additions else None
        self.model = wider.model if wider else declaration.model
        self.codec = _codec_of(declaration, wider)
        declaration.check(tuple(self.codec.wire_names))
        text_field = declaration.text_field
        self.concat = self.codec.wire_names[text_field] if text_field else None
        self.merge: Merger | None = self._merge if declaration.is_patch else None
        self._key = _values_of(declaration.key)
        self._key_types: dict[str, Any] = {}
        if issubclass(declaration.model, Event):
            self._key_types = {f.name: f.type for f in msgspec.structs.fields(declaration.model)}
        self._parameters = _values_of(declaration.room.parameters if declaration.room else ())

    def own_room(self, payload: object) -> str | None:
        """Return the room that the payload's fields give, or None if the event declares none.

        Raises:
            InvalidRoom: the fields give an invalid name.
        """
        pattern = self.declaration.room
        if pattern is None:
            return None
        values = self._parameters(payload)
        return pattern.build_from(tuple([v if type(v) is str else _text(v) for v in values]))

    def slot(self, payload: object, room: str | None) -> str | None:
        """Return the slot in which entries of one room conflate, or None.

        In the event's own room, the slot consists of the event's name and key. In any other room,
        the parameters of the own room are part of the key, so that two jobs which are reported
        in one user's room do not replace each other. The slot is JSON, so that no key value can
        imitate another slot.
        """
        if self.declaration.conflate is None:
            return None
        name = self.declaration.name
        key = self._key(payload) if self.declaration.key else ()
        if room is not None and not self._is_own(payload, room):
            key = (*self._parameters(payload), *key)
        return encode_json((name, *key)).decode() if key else name

    def slot_of(self, key: tuple[object, ...], room: str) -> str:
        """Return the slot of the value with this key in a room; see `Contract.slot_of`.

        Raises:
            InvalidEvent: the event has no values, or the key does not fit.
        """
        declaration = self.declaration
        name, pattern = declaration.name, declaration.room
        if declaration.conflate is None or self.concat is not None:
            raise InvalidEvent(name, "$.event", "only events with Latest or Merge have a value")
        fields = declaration.key
        if pattern is not None and pattern.match(room) is None:
            fields = (*pattern.parameters, *fields)
        wanted = tuple(dict.fromkeys(fields))
        if len(key) != len(wanted):
            names = ", ".join(wanted) or "no fields"
            raise InvalidEvent(name, "$.key", f"the key consists of {names}, got {len(key)} values")
        try:
            values = {
                field: msgspec.convert(value, self._key_types.get(field, Any))
                for field, value in zip(wanted, key, strict=True)
            }
        except msgspec.ValidationError as error:
            raise InvalidEvent(name, "$.key", str(error)) from error
        if not fields:
            return name
        return encode_json((name, *(values[field] for field in fields))).decode()

    def _merge(self, value: bytes | None, patch: bytes) -> bytes:
        """Return the value after a patch.

        Raises:
            InvalidEvent: the merged value does not match the event's type, or is too large.
        """
        name, rule = self.declaration.name, self.declaration.conflate
        try:
            merged = merge_patch(b"{}" if value is None else value, patch)
        except CODEC_ERRORS as error:
            raise invalid_event(name, error) from error
        if isinstance(rule, Merge) and len(merged) > rule.max_bytes:
            raise InvalidEvent(
                name, "$", f"the merged value has {len(merged)} bytes, at most {rule.max_bytes}"
            )
        self.codec.decode(merged)
        return merged

    def _is_own(self, payload: object, room: str) -> bool:
        pattern = self.declaration.room
        found = pattern.match(room) if pattern else {}
        values = tuple(map(_text, self._parameters(payload)))
        return found is not None and tuple(found.values()) == values


def _codec_of(declaration: Declaration, wider: WiderModel | None) -> Codec:
    name, model = declaration.name, declaration.model
    if not issubclass(model, Event):
        if declaration.is_patch:
            check_patch_fields(declaration)
        return model_codec(name, declaration.model, is_patch=declaration.is_patch)
    try:
        codec = EventCodec(name, model, wider)
        _check_types(declaration, model)
        if declaration.is_patch:
            check_patch_fields(declaration)
    except (TypeError, NameError) as error:  # a type without JSON, or an undefined name
        raise ContractError(
            f"{name}: {model.__name__} cannot be read from JSON: {error}"
        ) from error
    return codec


def _check_types(declaration: Declaration, model: type[Event]) -> None:
    info = inspect.type_info(model)
    types = {field.name: _bare(field.type) for field in info.fields}  # type: ignore[attr-defined]
    text_field = declaration.text_field
    if text_field and types[text_field] != inspect.StrType():
        raise ContractError(f"{declaration.name}: Concat field {text_field!r} must be a plain str")
    for name in declaration.room.parameters if declaration.room else ():
        if not isinstance(types[name], _NAMING_TYPES):
            raise ContractError(
                f"{declaration.name}: room parameter {name!r} must be text or an integer"
            )


def _bare(described: inspect.Type) -> inspect.Type:
    return described.type if isinstance(described, inspect.Metadata) else described


_NAMING_TYPES = (inspect.StrType, inspect.IntType, inspect.LiteralType, inspect.EnumType)


def _values_of(names: tuple[str, ...]) -> Callable[[object], tuple[object, ...]]:
    if not names:
        return lambda payload: ()
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda payload: (get(payload),)


def _text(value: object) -> str:
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidRoom(str(value), f"a {type(value).__name__} cannot name a room")
    return str(value)
