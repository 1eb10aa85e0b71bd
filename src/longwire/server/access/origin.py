"""Decides which web pages may connect, and which CORS headers they get."""

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from longwire.errors import ConfigurationError

_DEFAULT_PORTS = {"http": 80, "https": 443}


class OriginPolicy:
    """Checks the Origin header of WebSocket and polling requests.

    It prevents cross-site WebSocket hijacking. A request without Origin does not come from a
    browser and is allowed, since the token authenticates it.

    Args:
        allowed: origins besides the server's own, such as `https://app.example.com`, or `"*"`.

    Raises:
        ConfigurationError: one of them is not an origin.
    """

    def __init__(self, allowed: Collection[str] | str = ()) -> None:
        names = {allowed} if isinstance(allowed, str) else set(allowed)
        self._allows_all = "*" in names
        self._allowed = {_checked(origin) for origin in names - {"*"}}

    def allows(self, headers: Mapping[str, str], scheme: str) -> bool:
        """Return whether the page that sent `headers` may connect."""
        origin = headers.get("origin")
        if origin is None or self._allows_all:
            return True
        normalized = _normalized(origin)
        if normalized is None:
            return False
        return normalized in self._allowed or self._is_same(normalized, headers, scheme)

    def response_headers(self, headers: Mapping[str, str], scheme: str) -> list[tuple[str, str]]:
        """Return the CORS headers of an allowed cross-origin request; none for other requests."""
        origin = headers.get("origin")
        normalized = _normalized(origin) if origin is not None else None
        if origin is None or normalized is None or self._is_same(normalized, headers, scheme):
            return []
        return [
            ("access-control-allow-origin", origin),
            ("access-control-allow-credentials", "true"),
            ("vary", "Origin"),
        ]

    def _is_same(
        self, origin: tuple[str, str, int], headers: Mapping[str, str], scheme: str
    ) -> bool:
        """Compare with Host. A proxy may turn TLS into a plain scheme, but not the reverse."""
        secure = scheme in ("https", "wss")
        if secure and origin[0] != "https":
            return False
        return _normalized(f"{origin[0]}://{headers.get('host', '')}") == origin


def _checked(origin: str) -> tuple[str, str, int]:
    normalized = _normalized(origin)
    if normalized is None:
        raise ConfigurationError(f"{origin!r} is not an origin such as 'https://app.example.com'")
    return normalized


def _normalized(origin: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or _DEFAULT_PORTS[parts.scheme]
