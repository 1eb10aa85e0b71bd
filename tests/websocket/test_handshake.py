import pytest

from longwire.errors import LocalProtocolError
from longwire.websocket.handshake import (
    HandshakeFault,
    HandshakeRequest,
    accept_key,
    encode_request,
    encode_response,
    read_request,
    read_response,
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
RESPONSE = [
    (b"Upgrade", b"websocket"),
    (b"Connection", b"Upgrade"),
    (b"Sec-WebSocket-Accept", ACCEPT),
]


def with_header(headers: list[tuple[bytes, bytes]], name: bytes, value: bytes | None):
    kept = [(key, old) for key, old in headers if key != name]
    return kept if value is None else [*kept, (name, value)]


def test_the_accept_key_of_rfc_6455_section_1_3() -> None:
    assert accept_key(KEY) == ACCEPT


def test_a_valid_request() -> None:
    assert read_request(b"GET", REQUEST) == HandshakeRequest(KEY)
    headers = [*REQUEST, (b"Sec-WebSocket-Protocol", b"a, b"), (b"Origin", b"https://a.example")]
    assert read_request(b"get", headers) == HandshakeRequest(KEY, ("a", "b"), "https://a.example")


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        (b"Upgrade", None, 426),
        (b"Upgrade", b"h2c", 426),
        (b"Connection", b"keep-alive", 400),
        (b"Sec-WebSocket-Version", b"8", 426),
        (b"Sec-WebSocket-Version", None, 426),
        (b"Sec-WebSocket-Key", None, 400),
        (b"Sec-WebSocket-Key", b"c2hvcnQ=", 400),
        (b"Sec-WebSocket-Key", b"\xff\xff", 400),
    ],
)
def test_an_invalid_request(name: bytes, value: bytes | None, status: int) -> None:
    fault = read_request(b"GET", with_header(REQUEST, name, value))
    assert isinstance(fault, HandshakeFault)
    assert fault.status == status


def test_a_method_other_than_get_is_rejected() -> None:
    fault = read_request(b"POST", REQUEST)
    assert isinstance(fault, HandshakeFault)
    assert (fault.status, fault.headers) == (405, ((b"allow", b"GET"),))


def test_the_response_to_another_version_contains_ours() -> None:
    fault = read_request(b"GET", with_header(REQUEST, b"Sec-WebSocket-Version", b"8"))
    assert isinstance(fault, HandshakeFault)
    assert fault.headers == ((b"sec-websocket-version", b"13"),)


def test_a_valid_response() -> None:
    assert read_response(101, RESPONSE, KEY) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"Upgrade", b"h2c"),
        (b"Connection", None),
        (b"Sec-WebSocket-Accept", b"other"),
        (b"Sec-WebSocket-Extensions", b"permessage-deflate"),
    ],
)
def test_an_invalid_response(name: bytes, value: bytes | None) -> None:
    assert isinstance(read_response(101, with_header(RESPONSE, name, value), KEY), HandshakeFault)


def test_the_error_for_a_rejected_handshake_contains_the_status() -> None:
    assert read_response(403, [], KEY) == HandshakeFault(0, "the server answered 403")


def test_the_encoded_request_and_response() -> None:
    assert encode_request("/socket.io/?EIO=4", "a.example:80", KEY, [(b"origin", b"null")]) == (
        b"GET /socket.io/?EIO=4 HTTP/1.1\r\nhost: a.example:80\r\nupgrade: websocket\r\n"
        b"connection: Upgrade\r\nsec-websocket-version: 13\r\n"
        b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\norigin: null\r\n\r\n"
    )
    assert encode_response(KEY, "p", [(b"server", b"x")]) == (
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
        b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        b"sec-websocket-protocol: p\r\nserver: x\r\n\r\n"
    )


def test_line_breaks_in_headers_raise() -> None:
    with pytest.raises(LocalProtocolError):
        encode_request("/ HTTP/1.1\r\nx: y", "h", KEY)
    with pytest.raises(LocalProtocolError):
        encode_response(KEY, None, [(b"a", b"b\nc: d")])
