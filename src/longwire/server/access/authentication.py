"""Identities, and authenticators that turn a token into one."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from longwire.clock import clock
from longwire.errors import AuthenticationError, ConfigurationError, needing
from longwire.tokens import SERVICE_SCOPE

# `_check_times` checks the times instead, since tests cannot move the clock that PyJWT reads.
_JWT_OPTIONS: Any = {
    "require": ["exp", "sub"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


class Identity(msgspec.Struct, frozen=True):
    """The user or service that a token belongs to.

    Attributes:
        user_id: the id of the user, or the name of the service.
        service: whether this is a backend, which may join every room and publish.
        expires_at: when the token expires, in seconds since the epoch; None if it does not.
        claims: all claims of the token.
    """

    user_id: str
    service: bool = False
    expires_at: float | None = None
    claims: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])


Authenticator = Callable[[str], Awaitable[Identity | None] | Identity | None]
"""Returns the identity of a token, which is "" if the client sent none; may be `async`.

To reject the token, it returns None or raises `AuthenticationError`.
"""


_ANONYMOUS = Identity("anonymous")


async def anonymous(token: str) -> Identity:
    """Accept every client as the user `anonymous`; for development and public read-only pages."""
    return _ANONYMOUS


def jwt_authenticator(
    key: str | bytes = "",
    *,
    jwks_url: str | None = None,
    algorithms: Sequence[str] = ("HS256",),
    audience: str | None = None,
    issuer: str | None = None,
    leeway: float = 0.0,
) -> Callable[[str], Awaitable[Identity]]:
    """Return an authenticator for JSON Web Tokens (RFC 7519).

    The claim `sub` is the user, `exp` is required, and a `scope` that contains the word
    `service` identifies a service.

    Args:
        key: the shared secret, or the public key in PEM format for RS, ES and EdDSA.
        jwks_url: the URL where the issuer publishes its public keys (RFC 7517), instead of
            `key`. Keys are fetched when a token names an unknown one, and cached for 5 minutes.
        algorithms: the accepted algorithms.
        audience: the required `aud`, if any.
        issuer: the required `iss`, if any.
        leeway: seconds by which the clocks of issuer and server may differ.

    Raises:
        ConfigurationError: neither or both of `key` and `jwks_url` are set, or `jwks_url` is
            combined with the algorithm of a shared secret.
    """
    with needing("jwt"):
        import jwt

    if bool(key) == bool(jwks_url):
        raise ConfigurationError("pass either a non-empty key or jwks_url")
    if jwks_url is not None and any(name.startswith("HS") for name in algorithms):
        raise ConfigurationError(
            "jwks_url needs asymmetric algorithms: pass algorithms, such as ['RS256']"
        )
    published = jwt.PyJWKClient(jwks_url, timeout=10) if jwks_url is not None else None

    async def find_key(token: str) -> Any:
        if published is None:
            return key
        return await asyncio.to_thread(published.get_signing_key_from_jwt, token)

    async def authenticate(token: str) -> Identity:
        if not token:
            raise AuthenticationError("a token is required", "token_missing")
        try:
            claims = jwt.decode(
                token,
                await find_key(token),
                algorithms=list(algorithms),
                audience=audience,
                issuer=issuer,
                options=_JWT_OPTIONS,
            )
        except jwt.PyJWKClientConnectionError:
            raise  # the issuer cannot be reached; the token may be valid
        except (jwt.PyJWTError, ValueError) as error:
            raise AuthenticationError(f"token is invalid: {error}") from None
        _check_times(claims, leeway)
        return identity_of(claims)

    return authenticate


def _check_times(claims: Mapping[str, Any], leeway: float) -> None:
    """Check `exp`, `nbf` and `iat` (RFC 7519 § 4.1.4 to § 4.1.6)."""
    now = clock.time()
    times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    for name, time in times.items():
        if not isinstance(time, int | float) or not math.isfinite(time):
            raise AuthenticationError(f"token is invalid: {name} must be a number of seconds")
    if times["exp"] <= now - leeway:
        raise AuthenticationError("token has expired", "token_expired")
    if max(times.get("nbf", now), times.get("iat", now)) > now + leeway:
        raise AuthenticationError("token is invalid: it is not valid yet")


def identity_of(claims: Mapping[str, Any]) -> Identity:
    """Return the identity of verified claims.

    Raises:
        AuthenticationError: `sub` is not the id of a user.
    """
    user_id = claims.get("sub")
    if not isinstance(user_id, str) or not user_id or any(c.isspace() for c in user_id):
        raise AuthenticationError("token is invalid: sub must be a user id without spaces")
    return Identity(
        user_id=user_id,
        service=SERVICE_SCOPE in str(claims.get("scope", "")).split(),
        expires_at=float(claims["exp"]) if "exp" in claims else None,
        claims=dict(claims),
    )
