"""An exception, said in the words of `job:failed`."""

from __future__ import annotations

import asyncio
import re
from typing import NamedTuple

from longwire.errors import BrokerUnavailable, CallTimeout, NotConnected

# Enough for a person; a stack trace belongs into a log file.
MAX_ERROR_LENGTH = 2000

# Lost requests and lost links: the same work may succeed the next time.
_TRANSIENT = (TimeoutError, ConnectionError, BrokerUnavailable, NotConnected, CallTimeout)

_STOPPED = (asyncio.CancelledError, KeyboardInterrupt, SystemExit)

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Failure(NamedTuple):
    """Why a job failed.

    Attributes:
        error: one text for a person.
        error_code: one word for a program.
        retryable: whether the same work may succeed another time.
    """

    error: str
    error_code: str
    retryable: bool


def describe(error: BaseException) -> Failure:
    """Put an exception into the words of `job:failed`.

    The code is the exception's own `code` if that is a word, else its class name in snake_case.
    It is retryable if its attribute `retryable` says so, else if it is a timeout or a lost
    connection. A worker that was stopped from outside is `interrupted`, retryable.
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
    """What it says; a file's name that is no UTF-8 may be in there, which no event can carry."""
    text = str(error) or type(error).__name__
    return text.encode(errors="backslashreplace").decode()


def snake_case(name: str) -> str:
    """Return a class name as a word: `HTTPError` → `http_error`."""
    return _WORD_START.sub("_", name).lower()
