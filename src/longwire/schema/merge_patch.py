"""JSON Merge Patch (RFC 7396) on encoded JSON.

Members are copied as bytes and never decoded, so numbers of any size and precision, empty arrays
and escaped text stay as their writers sent them.
"""

import msgspec

_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def merge_patch(target: bytes | None, patch: bytes) -> bytes:
    """Apply a patch to a JSON value.

    Args:
        target: the value, without whitespace in front; None if there is none.
        patch: the patch, too. If it is not an object, it replaces the value.

    Returns:
        The merged value. Its objects have no null members, except inside arrays.

    Raises:
        msgspec.MsgspecError: an object is malformed.
        RecursionError: the values are nested too deeply.
    """
    if not _is_object(patch):
        return patch
    is_object = target is not None and _is_object(target)
    members = _decode_members(target) if target is not None and is_object else {}
    for name, raw in _decode_members(patch).items():
        value = bytes(raw)
        if value == b"null":
            members.pop(name, None)
        elif _is_object(value):
            older = members.get(name)
            merged = merge_patch(None if older is None else bytes(older), value)
            members[name] = msgspec.Raw(merged)
        else:
            members[name] = raw
    return _encode(members)


def _is_object(value: bytes) -> bool:
    return value[:1] == b"{"
