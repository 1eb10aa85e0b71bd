"""Binary data in arguments: extracted into attachments, and inserted again.

The JSON contains `{"_placeholder":true,"num":n}` in place of binary data, which is sent as the n-th
binary message after the packet.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

import msgspec

from longwire.errors import RemoteProtocolError

_SCALARS: Final = frozenset((str, int, float, bool, type(None), msgspec.Raw))
_decode: Final = msgspec.json.Decoder().decode
_BINARY: Final = (bytes, bytearray, memoryview)


def extract_attachments(value: object, attachments: list[bytes]) -> object:
    """Replace binary data in `value` by placeholders, and append it to `attachments`.

    Binary data is `bytes`, `bytearray` and `memoryview`, also nested in any type that msgspec can
    encode. A value without binary data is returned unchanged.

    Raises:
        TypeError: msgspec cannot encode the value.
    """
    if _is_plain(value):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        attachments.append(bytes(cast("bytes", value)))
        return {"_placeholder": True, "num": len(attachments) - 1}
    count = len(attachments)
    replaced = _replace_inside(value, attachments)
    return value if len(attachments) == count else replaced


def _is_plain(value: object) -> bool:
    """Whether the value consists of JSON types only: a fast check for the common case."""
    if isinstance(value, dict):
        items: Iterable[object] = cast("dict[object, object]", value).values()
    elif isinstance(value, (list, tuple)):
        items = cast("list[object]", value)
    else:
        return type(value) in _SCALARS
    for item in items:  # noqa: SIM110 (`all` over a generator takes twice as long)
        if type(item) not in _SCALARS and not _is_plain(item):
            return False
    return True


def _replace_inside(value: object, attachments: list[bytes]) -> object:
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return {key: extract_attachments(item, attachments) for key, item in items}
    if isinstance(value, list | tuple):
        return [extract_attachments(item, attachments) for item in cast("list[object]", value)]
    plain = msgspec.to_builtins(value, builtin_types=_BINARY, enc_hook=_decode_raw)
    return extract_attachments(plain, attachments)


def _decode_raw(value: object) -> object:
    if isinstance(value, msgspec.Raw):
        return msgspec.json.decode(value)
    raise TypeError(f"Encoding objects of type {type(value).__name__} is unsupported")


def insert_attachments(args: Sequence[msgspec.Raw], attachments: Sequence[bytes]) -> list[Any]:
    """Decode arguments to Python objects, with the attachments in place of their placeholders.

    Raises:
        RemoteProtocolError: a number is too large, or the nesting too deep, for Python.
    """
    try:
        values = [_decode(arg) for arg in args]
        return [_fill(value, attachments) for value in values] if attachments else values
    except (ValueError, RecursionError) as error:
        raise RemoteProtocolError(f"invalid argument: {error}") from error


def _fill(value: object, attachments: Sequence[bytes]) -> object:
    if isinstance(value, list):
        return [_fill(item, attachments) for item in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    members = cast("dict[str, Any]", value)
    if _is_placeholder(members):
        return attachments[cast("int", members["num"])]
    return {key: _fill(item, attachments) for key, item in members.items()}


def check_placeholders(args: Sequence[msgspec.Raw], count: int) -> None:
    """Check that the arguments contain each of `count` placeholders exactly once.

    Raises:
        RemoteProtocolError: they do not.
    """
    numbers: list[Any] = []
    try:
        for arg in args:
            _collect(msgspec.json.decode(arg), numbers)
    except (ValueError, RecursionError) as error:
        raise RemoteProtocolError(f"invalid argument: {error}") from error
    if any(type(number) is not int for number in numbers) or sorted(numbers) != list(range(count)):
        raise RemoteProtocolError(
            f"the placeholders do not refer to each of {count} attachments once"
        )


def _collect(value: object, numbers: list[Any]) -> None:
    if isinstance(value, list):
        for item in cast("list[object]", value):
            _collect(item, numbers)
    elif isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        if _is_placeholder(members):
            numbers.append(members.get("num"))
            return
        for item in members.values():
            _collect(item, numbers)


def _is_placeholder(members: dict[str, Any]) -> bool:
    return members.get("_placeholder") is True
