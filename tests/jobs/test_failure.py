"""Exceptions in the words of `job:failed`."""

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
def test_a_class_name_is_a_word(name: str, word: str) -> None:
    assert snake_case(name) == word


@pytest.mark.parametrize("error", [asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(3)])
def test_a_stopped_worker_may_be_tried_again(error: BaseException) -> None:
    failure = describe(error)
    assert (failure.error_code, failure.retryable) == ("interrupted", True)


def test_a_code_that_is_no_word_is_not_used() -> None:
    error = ValueError("x")
    error.code = 500  # type: ignore[attr-defined]
    error.retryable = "maybe"  # type: ignore[attr-defined]
    assert describe(error) == ("x", "value_error", False)


def test_a_long_text_is_cut() -> None:
    assert len(describe(ValueError("x" * 10_000)).error) == MAX_ERROR_LENGTH


def test_a_file_whose_name_is_no_utf8_can_be_named() -> None:
    """The event could not be encoded: the job did not end until its lease ran out."""
    assert describe(ValueError("no such file: \udcff.txt")).error == "no such file: \\udcff.txt"
