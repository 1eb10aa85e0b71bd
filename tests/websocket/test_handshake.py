import pytest

from longwire.errors import LocalProtocolError
from longwire.websocket.handshake import (
    HandshakeRequest,
    accept_key,
    encode_response,
    read_request,
)

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
REQUEST = [
    (b"Host", b"example.org"),
    (b"Upgrade", b"WebSocket"),
    (b"Connection", b"keep-alive, Upgrade"),
    (b"Sec-WebSocket-Key", KEY),
    (b"Sec-WebSocket-Version", b"13"),
]


def with_header(headers: list[tuple[bytes, bytes]], name: bytes, value: bytes | None):
    kept = [(key, old) for key, old in headers if key != name]
    return kept if value is None else [*kept, (name, value)]


def test_the_accept_key_of_rfc_6455_section_1_3() -> None:
    assert accept_key(KEY) == ACCEPT


def test_a_valid_request() -> None:
    assert read_request(b"GET", REQUEST) == HandshakeRequest(KEY)
    headers = [*REQUEST, (b"Sec-WebSocket-Protocol", b"a, b"), (b"sec-websocket-protocol", b"C")]
    assert read_request(b"get", headers) == HandshakeRequest(KEY, ("a", "b", "C"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"Upgrade", None),
        (b"Upgrade", b"h2c"),
        (b"Connection", b"keep-alive"),
        (b"Sec-WebSocket-Version", b"8"),
        (b"Sec-WebSocket-Version", None),
        (b"Sec-WebSocket-Key", None),
        (b"Sec-WebSocket-Key", b"c2hvcnQ="),
        (b"Sec-WebSocket-Key", b"\xff\xff"),
    ],
)
def test_an_invalid_request(name: bytes, value: bytes | None) -> None:
    assert read_request(b"GET", with_header(REQUEST, name, value)) is None


def test_a_method_other_than_get_is_rejected() -> None:
    assert read_request(b"POST", REQUEST) is None


def test_the_encoded_response() -> None:
    assert encode_response(KEY, [(b"server", b"x")]) == (
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
        b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        b"server: x\r\n\r\n"
    )


def test_line_breaks_in_headers_raise() -> None:
    with pytest.raises(LocalProtocolError):
        encode_response(KEY, [(b"a", b"b\nc: d")])
