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


@pytest.mark.parametrize("allowed", ["app.example.com", ["https://"], ["ftp://example.com"], [""]])
def test_an_invalid_origin_raises(allowed: str | list[str]) -> None:
    with pytest.raises(ConfigurationError, match="is not an origin such as"):
        OriginPolicy(allowed)
