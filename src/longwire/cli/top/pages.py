"""Fetches pages of the admin interface over HTTP."""

from __future__ import annotations

import asyncio
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from longwire.cli.connection import Unreachable
from longwire.cli.settings import token_source
from longwire.errors import ConfigurationError

DEFAULT_PATH: Final = "/_longwire"

# Longer than the second that the nodes have to answer each other.
_TIMEOUT: Final = 8.0


class Pages:
    """The pages of one admin interface.

    Args:
        url: of a server, or where it has its admin interface if that is not `/_longwire`.
        user: the operator, for messages.
        token: returns the operator's token.

    Raises:
        ConfigurationError: the URL is not of HTTP.
    """

    def __init__(self, url: str, user: str, token: Callable[[], str]) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ConfigurationError(f"URL must begin with http:// or https://, got {url!r}")
        path = parts.path.rstrip("/") or DEFAULT_PATH
        self.url = f"{parts.scheme}://{parts.netloc}{path}"
        self._user = user
        self._token = token

    async def fetch(self, view: str, query: dict[str, str]) -> bytes:
        """Return one page as JSON.

        Raises:
            Unreachable: it cannot be fetched; says why, and what to do.
        """
        return await asyncio.to_thread(self._fetch, view, query)

    def _fetch(self, view: str, query: dict[str, str]) -> bytes:
        given = {name: value for name, value in query.items() if value}
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            f"{self.url}/api/{view}?{urlencode(given)}",
            headers={"authorization": f"Bearer {self._token()}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(error.code, _detail(error)) from None
        except urllib.error.URLError as error:
            raise Unreachable(f"cannot reach {self.url}: {error.reason}") from None
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
            raise Unreachable(f"cannot reach {self.url}: {reason}") from None

    def _refused(self, status: int, detail: str) -> Unreachable:
        if status == 401:
            return Unreachable(f"{self.url} rejected {token_source()}: {detail}")
        if status == 403:
            return Unreachable(
                f"{self._user} is not an operator of {self.url}: start the server with "
                f"`longwire serve --admin {self._user}`, or pass --user with an operator's name"
            )
        if status == 404:
            return Unreachable(
                f"{self.url} is not an admin interface: start the server with "
                "`longwire serve --admin USER`, or give the URL where it is mounted"
            )
        return Unreachable(f"{self.url} answered {status}: {detail}")


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        body = msgspec.json.decode(error.read(10_000), type=dict[str, object])
    except (OSError, http.client.HTTPException, msgspec.MsgspecError):
        return error.reason
    return str(body.get("detail", error.reason))
