import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from longwire.websocket.decoder import FrameDecoder
from longwire.websocket.frames import (
    encode_binary,
    encode_close,
    encode_frame,
    encode_ping,
    encode_pong,
    encode_text,
)
from longwire.websocket.messages import Close, Message, Ping, Pong, ProtocolViolation

masks = st.binary(min_size=4, max_size=4)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
messages = st.one_of(
    texts,
    st.binary(max_size=300),
    st.builds(Ping, st.binary(max_size=125)),
    st.builds(Pong, st.binary(max_size=125)),
)


def encode(message: Message, mask: bytes | None, cuts: list[int]) -> bytes:
    match message:
        case str() if not cuts:
            return encode_text(message, mask)
        case bytes() if not cuts:
            return encode_binary(message, mask)
        case str():
            return fragments(1, message.encode(), mask, cuts)
        case bytes():
            return fragments(2, message, mask, cuts)
        case Ping(data=data):
            return encode_ping(data, mask)
        case Pong(data=data):
            return encode_pong(data, mask)
        case Close(code=code, reason=reason):
            return encode_close(code, reason, mask)
        case ProtocolViolation():
            raise AssertionError


def fragments(opcode: int, data: bytes, mask: bytes | None, cuts: list[int]) -> bytes:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(edges)]
    return b"".join(
        encode_frame(opcode if index == 0 else 0, piece, mask, final=index == len(pieces) - 1)
        for index, piece in enumerate(pieces)
    )


def chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def receive(decoder: FrameDecoder, pieces: list[bytes]) -> list[Message]:
    return [message for piece in pieces for message in decoder.receive_data(piece)]


@given(
    st.lists(st.tuples(messages, st.lists(st.integers(0, 300), max_size=3)), max_size=6),
    st.none() | masks,
    st.lists(st.integers(0, 4000), max_size=8),
)
@settings(max_examples=150)
def test_messages_are_decoded_however_the_bytes_are_split(
    sent: list[tuple[Message, list[int]]], mask: bytes | None, cuts: list[int]
) -> None:
    stream = b"".join(encode(message, mask, fragment_cuts) for message, fragment_cuts in sent)
    decoder = FrameDecoder("client" if mask is None else "server")
    assert receive(decoder, chunks(stream, cuts)) == [message for message, _ in sent]


# Bytes that resemble frames reach more code than uniformly random ones.
frame_like = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from(
            [b"\x81\x02hi", b"\x01\x01\xc3", b"\x80\x01\xa4", b"\x89\x00", b"\x88\x02\x03\xe8"]
        ),
        st.builds(
            lambda first, size, rest: bytes([first, size]) + rest,
            st.sampled_from([0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8A]),
            st.integers(0, 255),
            st.binary(max_size=140),
        ),
    ),
    max_size=6,
).map(b"".join)


@given(
    frame_like, st.lists(st.integers(0, 1000), max_size=10), st.sampled_from(["server", "client"])
)
@settings(max_examples=200)
def test_arbitrary_bytes_are_decoded_equally_however_they_are_split(
    data: bytes, cuts: list[int], role: str
) -> None:
    whole = FrameDecoder(role, max_message=100).receive_data(data)
    assert receive(FrameDecoder(role, max_message=100), chunks(data, cuts)) == whole
    assert not any(isinstance(message, Close | ProtocolViolation) for message in whole[:-1])
