"""Web pages that may connect."""

import pytest

from longwire.errors import ConfigurationError
from longwire.server.access.origin import OriginPolicy


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("http://localhost:8000", "localhost:8000", "ws"),
        ("http://example.com", "example.com", "http"),
        ("https://example.com", "example.com", "wss"),
        ("https://example.com", "example.com:443", "https"),
        ("https://example.com", "example.com", "http"),  # TLS ends at a proxy
        ("HTTPS://Example.com", "example.com", "wss"),
    ],
)
def test_a_page_of_the_same_origin_is_allowed(origin: str, host: str, scheme: str) -> None:
    assert OriginPolicy().allows({"origin": origin, "host": host}, scheme)


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("http://evil-example.com", "example.com", "ws"),
        ("http://example.com.evil.io", "example.com", "ws"),
        ("http://example.com:8001", "example.com:8000", "ws"),
        ("http://example.com", "example.com", "wss"),  # a plain page against a TLS server
        ("null", "example.com", "ws"),
        ("", "example.com", "ws"),
        ("http://", "", "ws"),
        ("http://example.com:port", "example.com", "ws"),
        ("file:///etc/passwd", "example.com", "ws"),
    ],
)
def test_a_page_of_another_origin_is_rejected(origin: str, host: str, scheme: str) -> None:
    assert not OriginPolicy().allows({"origin": origin, "host": host}, scheme)


def test_a_client_without_an_origin_header_is_allowed() -> None:
    assert OriginPolicy().allows({"host": "example.com"}, "ws")


def test_a_listed_origin_is_allowed_and_gets_cors_headers() -> None:
    policy = OriginPolicy(["https://app.example.com"])
    headers = {"origin": "https://app.example.com", "host": "api.example.com"}
    assert policy.allows(headers, "https")
    assert ("access-control-allow-origin", "https://app.example.com") in policy.response_headers(
        headers, "https"
    )


def test_a_page_of_the_same_origin_gets_no_cors_headers() -> None:
    headers = {"origin": "https://example.com", "host": "example.com"}
    assert OriginPolicy().response_headers(headers, "https") == []


@pytest.mark.parametrize("allowed", ["*", ["https://app.example.com", "*"]])
def test_a_star_allows_every_origin(allowed: str | list[str]) -> None:
    assert OriginPolicy(allowed).allows({"origin": "http://anything.test", "host": "x"}, "ws")


@pytest.mark.parametrize(
    "allowed",
    ["app.example.com", ["https://"], ["https://app.example.com/path"], ["https://a.*.com"], [""]],
)
def test_an_invalid_origin_raises(allowed: str | list[str]) -> None:
    with pytest.raises(ConfigurationError, match="is not an origin such as"):
        OriginPolicy(allowed)


@pytest.mark.parametrize(
    ("allowed", "origin"),
    [
        ("capacitor://localhost", "capacitor://localhost"),
        ("tauri://localhost", "tauri://localhost"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ("file://", "file://"),
        ("null", "null"),
        ("https://*.example.com", "https://app.example.com"),
        ("https://*.example.com", "https://a.b.example.com"),
    ],
)
def test_native_applications_and_subdomains_can_be_allowed(allowed: str, origin: str) -> None:
    headers = {"origin": origin, "host": "server.test"}
    policy = OriginPolicy([allowed])
    assert policy.allows(headers, "wss")
    assert dict(policy.response_headers(headers, "https"))["access-control-allow-origin"] == origin
    assert not OriginPolicy().allows(headers, "wss")


@pytest.mark.parametrize(
    "origin",
    ["https://example.com", "http://app.example.com", "https://badexample.com", "null", "file://"],
)
def test_a_pattern_of_subdomains_allows_nothing_else(origin: str) -> None:
    headers = {"origin": origin, "host": "server.test"}
    assert not OriginPolicy(["https://*.example.com"]).allows(headers, "wss")


def test_native_clients_send_the_scheme_of_the_websocket() -> None:
    """Regression: Starscream, and so the Swift client, sends ws:// and was refused."""
    assert OriginPolicy().allows({"origin": "ws://host.test:8000", "host": "host.test:8000"}, "ws")
    assert OriginPolicy().allows({"origin": "wss://host.test", "host": "host.test"}, "wss")


def test_a_star_gives_cors_headers_to_files_too() -> None:
    headers = {"origin": "null", "host": "server.test"}
    assert dict(OriginPolicy("*").response_headers(headers, "http")) == {
        "access-control-allow-origin": "null",
        "access-control-allow-credentials": "true",
        "vary": "Origin",
    }
