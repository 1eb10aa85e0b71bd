"""Decides which web pages may connect, and which CORS headers they get."""

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from longwire.errors import ConfigurationError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SAME_AS = {"ws": "http", "wss": "https"}

Origin = tuple[str, str, int]
"""Scheme, host and port."""


class OriginPolicy:
    """Checks the Origin header of WebSocket and polling requests.

    It prevents cross-site WebSocket hijacking. A request without Origin does not come from a
    browser and is allowed, since the token authenticates it.

    Args:
        allowed: origins besides the server's own, such as `https://app.example.com`,
            `https://*.example.com` for all subdomains, the origin of a native application
            (`capacitor://localhost`, `null`), or `"*"`.

    Raises:
        ConfigurationError: one of them is not an origin.
    """

    def __init__(self, allowed: Collection[str] | str = ()) -> None:
        names = {allowed} if isinstance(allowed, str) else set(allowed)
        self._allows_all = "*" in names
        origins = {_checked(origin) for origin in names - {"*"}}
        self._allowed = {origin for origin in origins if not origin[1].startswith("*.")}
        self._domains = [(scheme, host[1:], port) for scheme, host, port in origins - self._allowed]

    def allows(self, headers: Mapping[str, str], scheme: str) -> bool:
        """Return whether the page that sent `headers` may connect."""
        origin = headers.get("origin")
        if origin is None or self._allows_all:
            return True
        normalized = _normalized(origin)
        if normalized is None:
            return False
        return (
            normalized in self._allowed
            or self._is_subdomain(normalized)
            or self._is_same(normalized, headers, scheme)
        )

    def response_headers(self, headers: Mapping[str, str], scheme: str) -> list[tuple[str, str]]:
        """Return the CORS headers of an allowed cross-origin request; none for other requests."""
        origin = headers.get("origin")
        normalized = _normalized(origin) if origin is not None else None
        if origin is None or (normalized is None and not self._allows_all):
            return []
        if normalized is not None and self._is_same(normalized, headers, scheme):
            return []
        return [
            ("access-control-allow-origin", origin),
            ("access-control-allow-credentials", "true"),
            ("vary", "Origin"),
        ]

    def _is_subdomain(self, origin: Origin) -> bool:
        scheme, host, port = origin
        return any(
            scheme == known and port == at and host.endswith(suffix)
            for known, suffix, at in self._domains
        )

    def _is_same(self, origin: Origin, headers: Mapping[str, str], scheme: str) -> bool:
        """Compare with Host. A proxy may turn TLS into a plain scheme, but not the reverse."""
        secure = scheme in ("https", "wss")
        if origin[0] not in _DEFAULT_PORTS or (secure and origin[0] != "https"):
            return False
        return _normalized(f"{origin[0]}://{headers.get('host', '')}") == origin


def _checked(origin: str) -> Origin:
    normalized = _normalized(origin)
    if normalized is None or "*" in normalized[1].removeprefix("*."):
        raise ConfigurationError(
            f"{origin!r} is not an origin such as 'https://app.example.com', "
            "'https://*.example.com' or 'capacitor://localhost'"
        )
    return normalized


def _normalized(origin: str) -> Origin | None:
    """Return scheme, host and port; native clients send the scheme of the WebSocket instead.

    The origins of applications, such as `capacitor://localhost`, `file://` and `null`, have no
    port and are compared as they are.
    """
    if origin == "null":
        return "null", "", 0
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    scheme = _SAME_AS.get(parts.scheme, parts.scheme)
    if not scheme or parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        return None
    if scheme in _DEFAULT_PORTS:
        return (scheme, parts.hostname, port or _DEFAULT_PORTS[scheme]) if parts.hostname else None
    return (scheme, parts.hostname or "", port or 0) if "://" in origin else None
