"""Decodes WebSocket frames to messages (RFC 6455 §5), for both roles."""

import codecs
from dataclasses import dataclass, field
from typing import Literal

from longwire.websocket import frames
from longwire.websocket.frames import apply_mask
from longwire.websocket.messages import (
    INVALID_DATA,
    MESSAGE_TOO_BIG,
    NO_STATUS,
    PROTOCOL_ERROR,
    Close,
    Message,
    Ping,
    Pong,
    ProtocolViolation,
    is_valid_close_code,
)

Role = Literal["server", "client"]

# The maxPayload that Engine.IO announces by default.
DEFAULT_MAX_MESSAGE = 1_000_000

_FINAL_TEXT = frames.FIN | frames.TEXT
_INVALID_UTF8 = ProtocolViolation(INVALID_DATA, "invalid UTF-8")
_TOO_BIG = ProtocolViolation(MESSAGE_TOO_BIG, "message too big")
_OPCODES = frozenset(
    (frames.CONTINUATION, frames.TEXT, frames.BINARY, frames.CLOSE, frames.PING, frames.PONG)
)


def _broken(reason: str) -> ProtocolViolation:
    return ProtocolViolation(PROTOCOL_ERROR, reason)


@dataclass(eq=False, repr=False, slots=True)
class FrameDecoder:
    """Decodes the bytes received on one connection to complete messages.

    Invalid data never raises: the first error is returned as a `ProtocolViolation`. After it, and
    after `Close`, all further bytes are ignored. The result does not depend on how the bytes are
    split into chunks. Memory is bounded by `max_message`.

    Args:
        role: the receiving end: a server requires masked frames, a client unmasked ones.
        max_message: maximum bytes of one message, including all its fragments.
    """

    role: Role
    max_message: int = DEFAULT_MAX_MESSAGE
    _mask_bit: int = field(init=False)
    _buffer: bytes | bytearray = b""
    _needed: int = 2  # bytes required to continue with the next frame
    _opcode: int = 0  # of the fragmented message in progress, or 0
    _fragments: bytes | bytearray = b""
    _utf8: codecs.IncrementalDecoder | None = None
    _ended: bool = False

    def __post_init__(self) -> None:
        self._mask_bit = frames.MASKED if self.role == "server" else 0

    def receive_data(self, data: bytes) -> list[Message]:
        """Receive bytes, and return the messages that they complete, in order."""
        if self._ended:
            return []
        if not self._buffer:
            return self._read_all(data)
        if type(self._buffer) is not bytearray:
            self._buffer = bytearray(self._buffer)
        self._buffer += data
        if len(self._buffer) < self._needed:
            return []
        return self._read_all(self._buffer)

    def _read_all(self, data: bytes | bytearray) -> list[Message]:
        messages: list[Message] = []
        start = 0
        while not self._ended:
            if not self._opcode:
                start = self._read_texts(data, start, messages)
                if start == len(data):
                    self._needed = 2
                    break
            outcome = self._read_frame(data, start)
            if isinstance(outcome, int):
                self._needed = outcome
                break
            message, start = outcome
            if message is not None:
                self._ended = isinstance(message, Close | ProtocolViolation)
                messages.append(message)
        self._buffer = b"" if self._ended else data[start:]
        return messages

    def _read_texts(self, data: bytes | bytearray, start: int, messages: list[Message]) -> int:
        """Read complete, valid, unfragmented text frames below 64 KiB: the fast path.

        Returns:
            The index of the first frame that has to be read by `_read_frame`, or the end.
        """
        size, mask_bit = len(data), self._mask_bit
        while size - start >= 4 and data[start] == _FINAL_TEXT:
            length, body = data[start + 1] ^ mask_bit, start + 2
            if length == 126:
                length, body = data[body] << 8 | data[body + 1], body + 2
                if length < 126:
                    break
            elif length > 126:
                break
            if mask_bit:
                body += 4
            end = body + length
            if end > size or length > self.max_message:
                break
            payload = data[body:end]
            if mask_bit:
                payload = apply_mask(payload, data[body - 4 : body])
            try:
                messages.append(payload.decode())
            except UnicodeDecodeError:
                break
            start = end
        return start

    def _read_frame(self, data: bytes | bytearray, start: int) -> tuple[Message | None, int] | int:
        """Read one frame; return its message and end, or how many bytes from `start` it needs."""
        available = len(data) - start
        if available < 2:
            return 2
        first, second = data[start], data[start + 1]
        fault = self._check_header(first, second)
        if fault is not None:
            return fault, start
        length, header = second & 0x7F, 2
        if length >= 126:
            header = 4 if length == 126 else 10
            if available < header:
                return header
            extended = int.from_bytes(data[start + 2 : start + header], "big")
            fault = self._check_length(length, extended)
            if fault is not None:
                return fault, start
            length = extended
        if not first & 0x8 and length + len(self._fragments) > self.max_message:
            return _TOO_BIG, start
        body = header + (4 if self._mask_bit else 0)
        if available < body + length:
            return body + length
        payload = bytes(data[start + body : start + body + length])
        if self._mask_bit:
            payload = apply_mask(payload, data[start + header : start + body])
        return self._read_payload(first, payload), start + body + length

    def _check_header(self, first: int, second: int) -> ProtocolViolation | None:
        opcode = first & 0x0F
        if first & 0x70:
            return _broken("reserved bits are set")
        if opcode not in _OPCODES:
            return _broken("unknown opcode")
        if second & frames.MASKED != self._mask_bit:
            return _broken("wrong masking for this role")
        if opcode & 0x8:
            if not first & frames.FIN:
                return _broken("fragmented control frame")
            if second & 0x7F > frames.MAX_CONTROL_PAYLOAD:
                return _broken("control frame too long")
        elif (opcode == frames.CONTINUATION) != bool(self._opcode):
            return _broken("wrong order of fragments")
        return None

    @staticmethod
    def _check_length(kind: int, length: int) -> ProtocolViolation | None:
        if length >> 63:
            return _broken("length has its top bit set")
        if length < 126 or (kind == 127 and length <= frames.MAX_LENGTH_16):
            return _broken("length is not encoded minimally")
        return None

    def _read_payload(self, first: int, payload: bytes) -> Message | None:
        opcode, final = first & 0x0F, bool(first & frames.FIN)
        if opcode & 0x8:
            return _read_control(opcode, payload)
        if final and opcode != frames.CONTINUATION:
            return _read_whole(opcode, payload)
        return self._read_fragment(opcode, payload, final)

    def _read_fragment(self, opcode: int, payload: bytes, final: bool) -> Message | None:
        if opcode != frames.CONTINUATION:
            self._opcode, self._fragments = opcode, bytearray()
            if opcode == frames.TEXT:
                self._utf8 = codecs.getincrementaldecoder("utf-8")()
        if self._utf8 is not None:
            # For each fragment, so that invalid text fails as early as possible (§8.1).
            try:
                self._utf8.decode(payload, final)
            except UnicodeDecodeError:
                return _INVALID_UTF8
        self._fragments += payload
        if not final:
            return None
        opcode, whole = self._opcode, bytes(self._fragments)
        self._opcode, self._fragments, self._utf8 = 0, b"", None
        return _read_whole(opcode, whole)


def _read_whole(opcode: int, payload: bytes) -> Message:
    if opcode == frames.BINARY:
        return payload
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return _INVALID_UTF8


def _read_control(opcode: int, payload: bytes) -> Message:
    if opcode == frames.PING:
        return Ping(payload)
    if opcode == frames.PONG:
        return Pong(payload)
    return _read_close(payload)


def _read_close(payload: bytes) -> Close | ProtocolViolation:
    if not payload:
        return Close(NO_STATUS, "")
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not is_valid_close_code(code):
        return _broken("invalid close code")
    try:
        return Close(code, payload[2:].decode())
    except UnicodeDecodeError:
        return _INVALID_UTF8
