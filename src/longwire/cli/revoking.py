"""Revokes through a running server, or through the broker of the servers."""

from __future__ import annotations

import base64
import binascii
import http.client
import json
import urllib.error
import urllib.request
from typing import Any, Final, NamedTuple

from longwire.cli.settings import SERVICE, service_token, token_source
from longwire.errors import LongwireError

# Seconds that a server may take to answer; it waits four for its broker.
TIMEOUT: Final = 10.0


class Unreachable(LongwireError):
    """No Longwire server answers at the URL, or it refuses the request."""

    code = "unreachable"


class Target(NamedTuple):
    """The user or token to revoke; see `Server.revoke`."""

    user: str | None
    token_id: str | None
    issued_before: float | None
    expires_at: float | None


def claims_of(token: str) -> tuple[str, float | None] | None:
    """Return the id of a JSON Web Token and when it expires, unverified; None without an id."""
    try:
        payload = token.strip().split(".")[1]
        claims: Any = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        token_id, expires = claims.get("jti"), claims.get("exp")
    except (IndexError, binascii.Error, ValueError, AttributeError):
        return None
    if not isinstance(token_id, str) or not token_id:
        return None
    return token_id, float(expires) if isinstance(expires, int | float) else None


def revoke_on_server(url: str, target: Target, *, undo: bool) -> None:
    """Ask a server to revoke or reinstate, as a service.

    Raises:
        NoSecret: there is neither a token nor a secret to sign one with.
        Unreachable: the server cannot be reached, or refuses.
    """
    fields = {
        "user": target.user,
        "tokenId": target.token_id,
        "issuedBefore": None if undo else target.issued_before,
        "expiresAt": None if undo else target.expires_at,
    }
    body = {name: value for name, value in fields.items() if value is not None}
    path = "/api/reinstate" if undo else "/api/revoke"
    try:
        request = urllib.request.Request(  # noqa: S310 - the user's own URL
            url.rstrip("/") + path,
            json.dumps(body).encode(),
            {"authorization": f"Bearer {service_token()()}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310
            pass
    except urllib.error.HTTPError as error:
        with error:
            raise Unreachable(f"{url} refused: {_detail(error)}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise Unreachable(f"cannot connect to {url}: {reason}") from error


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        problem = json.loads(error.read(100_000))
        detail, code = str(problem["detail"]), problem["code"]
    except (ValueError, KeyError, TypeError, OSError):
        return f"{error.code} {error.reason}"
    return f"{token_source()}: {detail}" if code in ("token_invalid", "forbidden") else detail


async def revoke_in_broker(url: str, target: Target, *, undo: bool) -> None:
    """Write to the log that all servers read.

    Raises:
        UnsupportedBroker: the URL is not valid, or no other process can use such a broker.
        BrokerUnavailable: the broker cannot be reached.
        LogFileError: the file cannot be used, for example because a server uses it.
    """
    from longwire.broker import open_broker
    from longwire.errors import UnsupportedBroker
    from longwire.server.control.standalone import open_control

    broker = open_broker(url)
    if not broker.is_durable:
        raise UnsupportedBroker(url, "its logs are in the memory of the server: use --server")
    async with open_control(broker) as control:
        if undo:
            await control.reinstate(target.user, target.token_id, SERVICE)
        else:
            await control.revoke(*target, SERVICE)
