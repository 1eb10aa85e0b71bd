"""Encodes WebSocket frames (RFC 6455 §5.2). A client passes a mask, a server does not."""

from struct import Struct

from longwire.errors import LocalProtocolError
from longwire.websocket.messages import NO_STATUS, is_valid_close_code

CONTINUATION = 0x0
TEXT = 0x1
BINARY = 0x2
CLOSE = 0x8
PING = 0x9
PONG = 0xA

FIN = 0x80
MASKED = 0x80

# §5.5: the maximum payload of a control frame. §5.2: the maximum length in 16 bits.
MAX_CONTROL_PAYLOAD = 125
MAX_LENGTH_16 = 0xFFFF

_HEADER_7 = Struct("!BB").pack
_HEADER_16 = Struct("!BBH").pack
_HEADER_64 = Struct("!BBQ").pack
_CODE = Struct("!H").pack


# For n words, the number whose product with a mask repeats that mask n times.
_REPEAT = tuple(sum(1 << 32 * word for word in range(count)) for count in range(65))
_MAX_REPEATED = 4 * (len(_REPEAT) - 1)

_number = int.from_bytes


def apply_mask(data: bytes | bytearray, mask: bytes | bytearray) -> bytes:
    """Mask or unmask data: XOR it with the four bytes of `mask` (§5.3)."""
    size = len(data)
    # One XOR of two large integers is linear. For a small frame, one multiplication repeats the
    # mask, and the shift drops what exceeds the data: 0.3 µs instead of 0.4 µs.
    if size <= _MAX_REPEATED:
        pattern = _number(mask) * _REPEAT[(size + 3) >> 2] >> (-size & 3) * 8
    else:
        pattern = _number((mask * ((size + 3) >> 2))[:size])
    return (_number(data) ^ pattern).to_bytes(size)


def encode_frame(
    opcode: int, payload: bytes, mask: bytes | None = None, *, final: bool = True
) -> bytes:
    """Encode one frame.

    Args:
        opcode: one of this module's opcodes.
        payload: application data, unmasked.
        mask: four unpredictable bytes on a client, None on a server.
        final: False for all but the last fragment of a message.

    Raises:
        LocalProtocolError: the mask does not have four bytes.
    """
    first = opcode | FIN if final else opcode
    size = len(payload)
    masked = 0 if mask is None else MASKED
    if size <= MAX_CONTROL_PAYLOAD:
        header = _HEADER_7(first, masked | size)
    elif size <= MAX_LENGTH_16:
        header = _HEADER_16(first, masked | 126, size)
    else:
        header = _HEADER_64(first, masked | 127, size)
    if mask is None:
        return header + payload
    if len(mask) != 4:
        raise LocalProtocolError(f"a mask must have four bytes, got {len(mask)}")
    return header + mask + apply_mask(payload, mask)


def encode_text(text: str, mask: bytes | None = None) -> bytes:
    """Encode a text message as one frame.

    Raises:
        UnicodeEncodeError: the text contains a lone surrogate.
    """
    return encode_frame(TEXT, text.encode(), mask)


def encode_binary(data: bytes, mask: bytes | None = None) -> bytes:
    """Encode a binary message as one frame."""
    return encode_frame(BINARY, data, mask)


def encode_ping(data: bytes = b"", mask: bytes | None = None) -> bytes:
    """Encode a ping of at most 125 bytes."""
    return _encode_control(PING, data, mask)


def encode_pong(data: bytes = b"", mask: bytes | None = None) -> bytes:
    """Encode a pong, with the data of the ping that it answers."""
    return _encode_control(PONG, data, mask)


def encode_close(code: int = NO_STATUS, reason: str = "", mask: bytes | None = None) -> bytes:
    """Encode a close frame. The reason is truncated to the size of a control frame.

    Args:
        code: the close code; `NO_STATUS` encodes an empty frame.
        reason: text for logs.
        mask: see `encode_frame`.

    Raises:
        LocalProtocolError: the code must not be sent (§7.4).
    """
    if code == NO_STATUS:
        return _encode_control(CLOSE, b"", mask)
    if not is_valid_close_code(code):
        raise LocalProtocolError(f"close code {code} must not be sent")
    text = reason.encode()[: MAX_CONTROL_PAYLOAD - 2].decode(errors="ignore")
    return _encode_control(CLOSE, _CODE(code) + text.encode(), mask)


def _encode_control(opcode: int, payload: bytes, mask: bytes | None) -> bytes:
    if len(payload) > MAX_CONTROL_PAYLOAD:
        raise LocalProtocolError(f"a control frame has at most 125 bytes, got {len(payload)}")
    return encode_frame(opcode, payload, mask)
