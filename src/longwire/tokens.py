"""Signs the tokens that Longwire servers verify, with the standard library alone.

`longwire token` runs in shell loops, so signing does not load PyJWT or the server.
"""

import base64
import hashlib
import hmac
import json
import os
from typing import Any, Final

from longwire.clock import clock

SERVICE_SCOPE: Final = "service"
"""The word in a token's `scope` that lets its holder publish and join every room."""

_HEADER: Final = {"alg": "HS256", "typ": "JWT"}


def issue_token(
    secret: str,
    user_id: str,
    *,
    service: bool = False,
    ttl: float = 3600.0,
    token_id: str | None = None,
) -> str:
    """Return a JSON Web Token signed with HMAC-SHA256 (RFC 7515, RFC 7519).

    Its claims are `sub`, `iat`, `exp`, `jti` and, for a service, `scope`. `Server.revoke` refuses
    one token by its `jti`, and a user's older tokens by their `iat`.

    Args:
        secret: the key that the server verifies the token with.
        user_id: the user, or the name of the service, that the token identifies.
        service: whether the holder may publish and join every room.
        ttl: seconds until the token expires.
        token_id: the claim `jti`; random by default.
    """
    now = clock.time()
    token_id = _encode(os.urandom(12)) if token_id is None else token_id
    claims: dict[str, Any] = {
        "sub": user_id,
        "iat": int(now),
        "exp": int(now + ttl),
        "jti": token_id,
    }
    if service:
        claims["scope"] = SERVICE_SCOPE
    signed = f"{_encode_json(_HEADER)}.{_encode_json(claims)}"
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_encode(signature)}"


def _encode_json(value: dict[str, Any]) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
