"""Tokens signed with the shared secret, the quick way.

The same tokens as `longwire.server.issue_token` (a test compares them), without loading the server
and a cryptography library for one HMAC: `longwire token` is called in loops.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any, Final

_HEADER: Final = {"alg": "HS256", "typ": "JWT"}


def sign_token(secret: str, user_id: str, *, service: bool = False, ttl: float = 3600.0) -> str:
    """Return a JSON Web Token signed with HMAC-SHA256 (RFC 7515, RFC 7519).

    Args:
        secret: the key that the server verifies with.
        user_id: whom the token speaks for.
        service: whether the holder may publish and join every room.
        ttl: seconds until it expires.
    """
    now = time.time()
    claims: dict[str, Any] = {"sub": user_id, "iat": int(now), "exp": int(now + ttl)}
    if service:
        claims["scope"] = "service"
    signed = f"{_encode_json(_HEADER)}.{_encode_json(claims)}"
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_encode(signature)}"


def _encode_json(value: dict[str, Any]) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
