"""Turns exceptions into the fields of `job:failed`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import NamedTuple, cast

from longwire.errors import BrokerUnavailable, CallTimeout, NotConnected

# Characters; enough for a message to a person. Stack traces belong in a log file.
MAX_ERROR_LENGTH = 2000
MAX_CODE_LENGTH = 200

# Lost requests and connections: the same work may succeed the next time.
_TRANSIENT = (TimeoutError, ConnectionError, BrokerUnavailable, NotConnected, CallTimeout)

# GeneratorExit: the reader of a generator that runs the job has left.
_STOPPED = (asyncio.CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit)

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


_INTERRUPTED = Failure("The worker was stopped before the job was done.", "interrupted", True)


def describe(error: BaseException) -> Failure:
    """Return the fields of `job:failed` for an exception; never raises.

    `error_code` is the exception's attribute `code` if that is a non-empty string, else its class
    name in snake_case. `retryable` is the exception's attribute of that name if it has one, else
    whether the exception is a timeout or a lost connection. Cancellation and signals give the
    code `interrupted`, retryable. An exception group, such as a TaskGroup raises, is described by
    the exceptions in it: their messages, their code if they have the same one, and retryable if
    all of them are.
    """
    causes = [_describe_one(cause) for cause in _causes(error)]
    causes = [cause for cause in causes if cause is not _INTERRUPTED] or [_INTERRUPTED]
    if len(causes) == 1:
        return causes[0]
    codes = {cause.error_code for cause in causes}
    return Failure(
        error="; ".join(dict.fromkeys(cause.error for cause in causes))[:MAX_ERROR_LENGTH],
        error_code=codes.pop() if len(codes) == 1 else _code_of(error),
        retryable=all(cause.retryable for cause in causes),
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for cause in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _causes(cause)
    else:
        yield error


def _describe_one(error: BaseException) -> Failure:
    if isinstance(error, _STOPPED):
        return _INTERRUPTED
    retryable = _read(error, "retryable")
    return Failure(
        error=_text_of(error)[:MAX_ERROR_LENGTH],
        error_code=_code_of(error),
        retryable=retryable if isinstance(retryable, bool) else isinstance(error, _TRANSIENT),
    )


def _code_of(error: BaseException) -> str:
    code = _read(error, "code")
    if not isinstance(code, str) or not code:
        code = snake_case(type(error).__name__)
    return _escape(code)[:MAX_CODE_LENGTH]


def _read(error: BaseException, name: str) -> object:
    """Return an attribute; None if the exception cannot compute it."""
    try:
        return getattr(error, name, None)
    except Exception:
        return None


def _text_of(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # a failing `__str__` must not keep the job from ending
        text = ""
    return _escape(text or type(error).__name__)


def _escape(text: str) -> str:
    """Replace what is not UTF-8, such as a file's name in other bytes: no event can hold it."""
    return text.encode(errors="backslashreplace").decode()


def snake_case(name: str) -> str:
    """Return a class name in snake_case: `HTTPError` → `http_error`."""
    return _WORD_START.sub("_", name).lower()
