"""Decides which requests may use the admin interface."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Final

from longwire.callables import awaiting
from longwire.errors import AuthenticationError, ConfigurationError, LongwireError, needing
from longwire.server import Server

with needing("fastapi"):
    from starlette.requests import Request

Authorize = Callable[[Request], Awaitable[bool | str | None] | bool | str | None]
"""Decides about a request to the admin interface; may be `async`.

It returns the operator's name, which the audit log records, or True to allow the request; False to
refuse it with 403; None, or it raises `AuthenticationError`, if there are no valid credentials, for
401.
"""

UNNAMED: Final = "operator"
"""The name of an operator for whom `authorize` returned True."""


class AdminDenied(LongwireError):
    """The user may not use the admin interface, or actions are switched off."""

    code = "admin_denied"


class Access:
    """Checks requests; see `Authorize`.

    Args:
        authorize: the application's decision.
    """

    def __init__(self, authorize: Authorize) -> None:
        self._authorize = awaiting(authorize)

    async def check(self, request: Request) -> str:
        """Return the operator's name.

        Raises:
            AuthenticationError: there are no valid credentials.
            AdminDenied: the user lacks the right.
        """
        answer = await self._authorize(request)
        if answer is None:
            raise AuthenticationError("the admin interface needs credentials", "token_missing")
        if answer is False or answer == "":
            raise AdminDenied("you may not use the admin interface")
        return answer if isinstance(answer, str) else UNNAMED


def only_users(server: Server, users: Collection[str]) -> Authorize:
    """Return an `authorize` that allows some users, by the bearer token of the request.

    The server's own authenticator verifies the token, so a revoked one is refused.

    Args:
        server: verifies tokens.
        users: the ids of the operators.

    Raises:
        ConfigurationError: `users` is a string, which would allow each of its characters.
    """
    if isinstance(users, str):
        raise ConfigurationError(f"users must be a list of user ids, got the string {users!r}")
    allowed = frozenset(users)

    async def authorize(request: Request) -> bool | str | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return None
        identity = await server.authenticate(token.strip())
        return identity.user_id if identity.user_id in allowed else False

    return authorize
