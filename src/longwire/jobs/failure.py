"""Turns exceptions into the fields of `job:failed`."""

from __future__ import annotations

import asyncio
import re
from typing import NamedTuple

from longwire.errors import BrokerUnavailable, CallTimeout, NotConnected

# Characters; enough for a message to a person. Stack traces belong in a log file.
MAX_ERROR_LENGTH = 2000

# Lost requests and connections: the same work may succeed the next time.
_TRANSIENT = (TimeoutError, ConnectionError, BrokerUnavailable, NotConnected, CallTimeout)

_STOPPED = (asyncio.CancelledError, KeyboardInterrupt, SystemExit)

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Failure(NamedTuple):
    """Why a job failed.

    Attributes:
        error: a message for people.
        error_code: a stable code for programs.
        retryable: whether the same work may succeed another time.
    """

    error: str
    error_code: str
    retryable: bool


def describe(error: BaseException) -> Failure:
    """Return the fields of `job:failed` for an exception.

    `error_code` is the exception's attribute `code` if that is a non-empty string, else its class
    name in snake_case. `retryable` is the exception's attribute of that name if it has one, else
    whether the exception is a timeout or a lost connection. Cancellation and signals give the
    code `interrupted`, retryable.
    """
    if isinstance(error, _STOPPED):
        return Failure("The worker was stopped before the job was done.", "interrupted", True)
    code = getattr(error, "code", None)
    retryable = getattr(error, "retryable", None)
    return Failure(
        error=_text(error)[:MAX_ERROR_LENGTH],
        error_code=code if isinstance(code, str) and code else snake_case(type(error).__name__),
        retryable=retryable if isinstance(retryable, bool) else isinstance(error, _TRANSIENT),
    )


def _text(error: BaseException) -> str:
    """Return the message; it may name a file whose bytes are not UTF-8, which no event can hold."""
    text = str(error) or type(error).__name__
    return text.encode(errors="backslashreplace").decode()


def snake_case(name: str) -> str:
    """Return a class name in snake_case: `HTTPError` → `http_error`."""
    return _WORD_START.sub("_", name).lower()
