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


@pytest.mark.parametrize("error", [asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(3)])
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
