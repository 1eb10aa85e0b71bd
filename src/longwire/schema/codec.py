"""Encodes and decodes payloads: the interface, and the codec for `Event` classes."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from longwire.schema.event import Event
from longwire.schema.fault import CODEC_ERRORS, invalid_event, refuse_non_finite
from longwire.schema.widening import WiderModel

encode_json = msgspec.json.Encoder().encode


class Codec(Protocol):
    """Encodes and decodes the payloads of one event type."""

    @property
    def wire_names(self) -> Mapping[str, str]:
        """The wire name of each field, by its Python name."""
        ...

    def encode(self, event: Any, now_ms: int) -> tuple[bytes, object]:
        """Return the payload's bytes, with a timestamp, and the payload that they decode to.

        Args:
            event: the payload.
            now_ms: the timestamp for a payload without one, in milliseconds since the epoch.

        Raises:
            InvalidEvent: the payload does not match its type.
        """
        ...

    def decode(self, data: bytes | msgspec.Raw) -> object:
        """Decode a payload.

        Raises:
            InvalidEvent: the bytes are not JSON, or do not match the type.
        """
        ...


class EventCodec:
    """Encodes an `Event`, and validates it by decoding the bytes once.

    msgspec validates only when it decodes. Decoding the encoded bytes checks exactly what is sent.
    """

    def __init__(self, name: str, model: type[Event], wider: WiderModel | None = None) -> None:
        self._name = name
        self._decode: Callable[[bytes | msgspec.Raw], Event] = (
            msgspec.json.Decoder(model).decode if wider is None else _restoring(wider)
        )
        self.wire_names: Mapping[str, str] = {
            field.name: field.encode_name for field in msgspec.structs.fields(model)
        }

    def encode(self, event: Event, now_ms: int) -> tuple[bytes, Event]:
        """See `Codec.encode`."""
        try:
            data = encode_json(event)
            if not event.timestamp:
                data = _stamped(data, now_ms)
            sent = self._decode(data)
        except CODEC_ERRORS as error:
            if isinstance(error, msgspec.ValidationError):
                self._refuse_non_finite(event)
            raise invalid_event(self._name, error) from error
        if (
            b"null" in data
        ):  # msgspec encodes NaN as null; the slow check finds out whether it was one
            self._refuse_non_finite(event)
        return data, sent

    def decode(self, data: bytes | msgspec.Raw) -> Event:
        """See `Codec.decode`."""
        try:
            return self._decode(data)
        except CODEC_ERRORS as error:
            raise invalid_event(self._name, error) from error

    def _refuse_non_finite(self, event: Event) -> None:
        refuse_non_finite(self._name, msgspec.to_builtins(event))


def _restoring(wider: WiderModel) -> Callable[[bytes | msgspec.Raw], Any]:
    decode: Callable[[bytes | msgspec.Raw], Any] = msgspec.json.Decoder(wider.model).decode
    return lambda data: wider.restore(decode(data))


def _stamped(data: bytes, now_ms: int) -> bytes:
    if data == b"{}":
        return b'{"timestamp":%d}' % now_ms
    return b'%b,"timestamp":%d}' % (data[:-1], now_ms)
