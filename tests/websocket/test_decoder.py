import pytest

from longwire.websocket.decoder import FrameDecoder
from longwire.websocket.frames import encode_close, encode_frame, encode_text
from longwire.websocket.messages import Close, Ping, Pong, ProtocolViolation

MASK = b"\x37\xfa\x21\x3d"


def decode(data: bytes, role: str = "client", **options: int) -> list[object]:
    return FrameDecoder(role, **options).receive_data(data)


def test_the_examples_of_rfc_6455_section_5_7() -> None:
    assert decode(b"\x81\x05Hello") == ["Hello"]
    masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
    assert decode(masked, "server") == ["Hello"]
    assert decode(b"\x01\x03Hel\x80\x02lo") == ["Hello"]
    assert decode(b"\x89\x05Hello") == [Ping(b"Hello")]
    assert decode(b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "server") == [Pong(b"Hello")]
    assert decode(b"\x82\x7e\x01\x00" + bytes(256)) == [bytes(256)]
    long = b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + bytes(65536)
    assert decode(long) == [bytes(65536)]


def test_control_frames_may_occur_between_fragments() -> None:
    data = b"\x01\x02\xc3\xa4" + b"\x89\x01p" + b"\x80\x01!"
    assert decode(data) == [Ping(b"p"), "ä!"]


def test_a_character_may_be_split_between_fragments() -> None:
    assert decode(b"\x01\x01\xc3" + b"\x80\x01\xa4") == ["ä"]


def test_empty_messages() -> None:
    assert decode(b"\x81\x00\x82\x00") == ["", b""]
    assert decode(b"\x01\x00\x00\x00\x80\x00") == [""]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xc1\x00", "reserved bits are set"),
        (b"\x83\x00", "unknown opcode"),
        (b"\x8b\x00", "unknown opcode"),
        (b"\x81\x80" + MASK, "wrong masking for this role"),
        (b"\x81\x7e\x00\x7d" + bytes(125), "length is not encoded minimally"),
        (b"\x09\x00", "fragmented control frame"),
        (b"\x89\x7e\x00\x7e", "control frame too long"),
        (b"\x80\x00", "wrong order of fragments"),
        (b"\x01\x00\x81\x00", "wrong order of fragments"),
        (b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", "length has its top bit set"),
        (b"\x82\x7e\x00\x7d", "length is not encoded minimally"),
        (b"\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", "length is not encoded minimally"),
        (b"\x88\x01\x03", "invalid close code"),
        (b"\x88\x02\x03\xed", "invalid close code"),
        (b"\x88\x02\x03\xf7", "invalid close code"),
        (b"\x88\x02\x13\x88", "invalid close code"),
    ],
)
def test_a_protocol_error_is_a_violation_with_code_1002(data: bytes, reason: str) -> None:
    assert decode(b"\x81\x02ok" + data) == ["ok", ProtocolViolation(1002, reason)]


def test_a_server_rejects_unmasked_frames() -> None:
    assert decode(b"\x81\x05Hello", "server") == [
        ProtocolViolation(1002, "wrong masking for this role")
    ]


@pytest.mark.parametrize(
    "data",
    [b"\x81\x02\xc3\x28", b"\x01\x02\xc3\x28", b"\x01\x01\xc3\x80\x00", b"\x88\x03\x03\xe8\xff"],
)
def test_invalid_utf8_is_a_violation_with_code_1007(data: bytes) -> None:
    assert decode(data) == [ProtocolViolation(1007, "invalid UTF-8")]


@pytest.mark.parametrize(
    "data",
    [
        b"\x81\x0b" + b"x" * 11,
        b"\x82\x7e\x01\x00",  # the header alone is enough
        b"\x01\x06" + b"x" * 6 + b"\x80\x05",
    ],
)
def test_a_message_beyond_the_limit_is_a_violation_with_code_1009(data: bytes) -> None:
    assert decode(data, max_message=10) == [ProtocolViolation(1009, "message too big")]


def test_a_message_at_the_limit_is_accepted() -> None:
    assert decode(b"\x01\x05xxxxx\x80\x05xxxxx", max_message=10) == ["x" * 10]
    assert decode(b"\x81\x0a" + b"x" * 10, max_message=10) == ["x" * 10]


def test_control_frames_do_not_count_against_the_message_limit() -> None:
    data = b"\x01\x08xxxxxxxx" + b"\x89\x08pppppppp" + b"\x80\x02xx"
    assert decode(data, max_message=10) == [Ping(b"pppppppp"), "x" * 10]


def test_bytes_after_a_close_or_a_violation_are_ignored() -> None:
    decoder = FrameDecoder("client")
    assert decoder.receive_data(encode_close(1000, "bye") + b"\x81\x02no") == [Close(1000, "bye")]
    assert decoder.receive_data(b"\x81\x02no") == []
    decoder = FrameDecoder("client")
    decoder.receive_data(b"\xff\xff")
    assert decoder.receive_data(b"\x81\x02no") == []


def test_an_empty_close_frame_has_no_status() -> None:
    assert decode(b"\x88\x00") == [Close(1005, "")]


def test_a_large_frame_in_single_bytes() -> None:
    frame = encode_text("ä" * 500, MASK)
    decoder = FrameDecoder("server")
    received = [
        m for index in range(len(frame)) for m in decoder.receive_data(frame[index : index + 1])
    ]
    assert received == ["ä" * 500]


def test_long_texts() -> None:
    texts = ["x" * 126, "x" * 65_535, "x" * 65_536, ""]
    assert decode(b"".join(map(encode_text, texts))) == texts


def test_an_idle_decoder_has_no_buffer() -> None:
    decoder = FrameDecoder("server")
    frame = encode_frame(2, bytes(70_000), MASK)
    decoder.receive_data(frame[:60_000])
    decoder.receive_data(frame[60_000:])
    assert not decoder._buffer
    assert not decoder._fragments
