import pytest

from longwire.errors import LocalProtocolError
from longwire.websocket.frames import (
    encode_binary,
    encode_close,
    encode_frame,
    encode_ping,
    encode_pong,
    encode_text,
)

MASK = b"\x37\xfa\x21\x3d"


def test_the_examples_of_rfc_6455_section_5_7() -> None:
    assert encode_text("Hello") == b"\x81\x05Hello"
    assert encode_text("Hello", MASK) == b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
    assert encode_frame(1, b"Hel", final=False) == b"\x01\x03Hel"
    assert encode_ping(b"Hello") == b"\x89\x05Hello"
    assert encode_pong(b"Hello", MASK) == b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
    assert encode_binary(bytes(256))[:4] == b"\x82\x7e\x01\x00"
    assert encode_binary(bytes(65536))[:10] == b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"


@pytest.mark.parametrize(
    ("size", "header"),
    [(125, b"\x82\x7d"), (126, b"\x82\x7e\x00\x7e"), (65535, b"\x82\x7e\xff\xff")],
)
def test_lengths_are_minimal(size: int, header: bytes) -> None:
    assert encode_binary(bytes(size)) == header + bytes(size)


def test_close_frames() -> None:
    assert encode_close() == b"\x88\x00"
    assert encode_close(1000, "bye") == b"\x88\x05\x03\xe8bye"
    frame = encode_close(4000, "ä" * 100)
    assert len(frame) == 2 + 2 + 122  # cut at a whole character
    assert frame[4:].decode() == "ä" * 61


@pytest.mark.parametrize("code", [0, 999, 1004, 1006, 1015, 2000, 5000])
def test_invalid_close_codes_raise(code: int) -> None:
    with pytest.raises(LocalProtocolError):
        encode_close(code)


def test_invalid_masks_and_control_frames_raise() -> None:
    with pytest.raises(LocalProtocolError):
        encode_ping(bytes(126))
    with pytest.raises(LocalProtocolError):
        encode_text("x", b"\x00")
