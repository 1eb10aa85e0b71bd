"""Exceptions as fields of `job:failed`."""

from __future__ import annotations

import asyncio

import pytest

from longwire.jobs.failure import MAX_ERROR_LENGTH, describe, snake_case


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("ValueError", "value_error"),
        ("HTTPError", "http_error"),
        ("HTTP2StreamReset", "http2_stream_reset"),
        ("E", "e"),
        ("already_snake", "already_snake"),
    ],
)
def test_class_names_become_snake_case(name: str, word: str) -> None:
    assert snake_case(name) == word


@pytest.mark.parametrize(
    "error", [asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(3), GeneratorExit()]
)
def test_a_stopped_worker_is_retryable(error: BaseException) -> None:
    failure = describe(error)
    assert (failure.error_code, failure.retryable) == ("interrupted", True)


def test_attributes_of_other_types_are_ignored() -> None:
    error = ValueError("x")
    error.code = 500  # type: ignore[attr-defined]
    error.retryable = "maybe"  # type: ignore[attr-defined]
    assert describe(error) == ("x", "value_error", False)


def test_a_long_message_is_truncated() -> None:
    assert len(describe(ValueError("x" * 10_000)).error) == MAX_ERROR_LENGTH


def test_a_message_with_a_filename_that_is_not_utf8_is_escaped() -> None:
    """The event could not be encoded, so the job ended only when its lease ran out."""
    assert describe(ValueError("no such file: \udcff.txt")).error == "no such file: \\udcff.txt"


class QuotaExceeded(Exception):
    code = "quota_exceeded"
    retryable = True


class NoText(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class NoCode(Exception):
    @property
    def code(self) -> str:
        raise ValueError("no answer yet")


class OddCode(Exception):
    code = "file \udc80"


class OddAttributes(Exception):
    def __getattr__(self, name: str) -> object:
        raise KeyError(name)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (NoText, ("NoText", "no_text", False)),
        (NoCode, ("x", "no_code", False)),
        (OddCode, ("x", "file \\udc80", False)),
        (OddAttributes, ("x", "odd_attributes", False)),
    ],
)
def test_an_exception_that_cannot_describe_itself_is_described(
    kind: type[Exception], expected: tuple[str, str, bool]
) -> None:
    """Its job had no end, and was declared lost 15 s later."""
    assert describe(kind("x")) == expected


@pytest.mark.parametrize(
    ("causes", "expected"),
    [
        ([ValueError("no price")], ("no price", "value_error", False)),
        ([QuotaExceeded("daily limit")], ("daily limit", "quota_exceeded", True)),
        ([TimeoutError("a"), TimeoutError("b")], ("a; b", "timeout_error", True)),
        ([TimeoutError("a"), ValueError("b")], ("a; b", "exception_group", False)),
        ([ExceptionGroup("inner", [ValueError("deep")])], ("deep", "value_error", False)),
    ],
)
def test_a_group_reports_its_causes(
    causes: list[Exception], expected: tuple[str, str, bool]
) -> None:
    assert describe(ExceptionGroup("unhandled errors in a TaskGroup", causes)) == expected


def test_a_group_of_an_error_and_a_cancellation_reports_the_error() -> None:
    group = BaseExceptionGroup("x", [asyncio.CancelledError(), ValueError("cause")])
    assert describe(group).error == "cause"
