"""Checks a job's events in the call that makes them, without encoding them.

The host validates and encodes each publication once, when it goes out. Output and progress go out
after their call has returned, so what is wrong with them must be found earlier.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast, get_args

import msgspec
from msgspec.structs import replace

from longwire.catalog import JobCreated, JobOutput, JobProgress, JobResult, OutputType
from longwire.errors import InvalidEvent
from longwire.schema import Event, RoomPattern, declaration_of
from longwire.schema.fault import CODEC_ERRORS, invalid_event, refuse_non_finite

_ROOM: Final = RoomPattern("job:{job_id}")
_RESULT_FIELDS: Final = frozenset(JobResult.__struct_fields__)
_OUTPUT_TYPES: Final = (None, *get_args(get_args(OutputType)[0]))


def check_event(event: Event) -> None:
    """Return if a host can encode the event.

    Raises:
        InvalidEvent: a value does not fit its field.
    """
    name = declaration_of(type(event)).name
    try:
        values = msgspec.to_builtins(event, str_keys=True)
        msgspec.convert(values, type(event))
        _check_text(values)
    except CODEC_ERRORS as error:
        raise invalid_event(name, error) from error
    refuse_non_finite(name, values)


def check_created(event: JobCreated) -> None:
    """Return if a job can begin with this event.

    Raises:
        InvalidEvent: a value does not fit its field.
        InvalidRoom: the job's id cannot be part of a room's name.
    """
    check_event(event)
    _ROOM.build(job_id=event.job_id)


def check_progress(event: JobProgress) -> None:
    """Return if a host can encode the event; a valid one costs a tenth of `check_event`.

    Raises:
        InvalidEvent: a value does not fit its field.
    """
    estimate = event.estimated_completion
    is_valid = (
        _is_number(event.progress)
        and 0 <= event.progress <= 100
        and (estimate is None or (_is_number(estimate) and 0 <= estimate < math.inf))
        and _is_text(event.current_step)
    )
    if not is_valid:
        check_event(event)


def check_output(job_id: str, chunk: str, type: OutputType | None, is_complete: bool) -> None:
    """Return if these are the values of a `job:output`.

    A job may stream thousands of chunks a second, most of which roll up into one event, so this
    constructs one only to find out what is wrong.

    Raises:
        InvalidEvent: a value does not fit its field.
    """
    if not isinstance(cast("object", chunk), str):  # bytes would be encoded, as base64
        found = chunk.__class__.__name__
        raise InvalidEvent("job:output", "$.chunk", f"Expected `str`, got `{found}`")
    is_flag = isinstance(cast("object", is_complete), bool)
    if not _is_text(chunk) or type not in _OUTPUT_TYPES or not is_flag:
        check_event(JobOutput(job_id=job_id, chunk=chunk, is_complete=is_complete, type=type))


def _is_number(value: object) -> bool:
    return value.__class__ is float or value.__class__ is int  # not bool


def _is_text(value: object) -> bool:
    """Whether a value is text that UTF-8 can encode: text without lone surrogates."""
    if not isinstance(value, str):
        return False
    try:
        return value.isascii() or bool(value.encode())
    except UnicodeEncodeError:
        return False


def result_of(result: JobResult | Mapping[str, Any] | None) -> JobResult:
    """Return a job's result from its Python or its dict form.

    Keys other than those of `JobResult` are kept in `metrics`: at the end of a long job, an error
    would lose more than a figure in an unexpected place.

    Args:
        result: also a pydantic model, which is read as its JSON form.

    Raises:
        InvalidEvent: it is not a mapping, a value does not fit its field, or a key is used twice.
    """
    if isinstance(result, JobResult):
        return result
    if result is None:
        return JobResult()
    fields, others = dict[str, Any](), dict[str, Any]()
    for key, value in _mapping_of(result).items():
        (fields if key in _RESULT_FIELDS else others)[key] = value
    try:
        known = msgspec.convert(fields, JobResult)
    except msgspec.ValidationError as error:
        raise InvalidEvent("job:completed", "$.result", str(error)) from error
    metrics = known.metrics or {}
    for key in others.keys() & metrics.keys():
        detail = f"Key `{key}` is also in `metrics`"
        raise InvalidEvent("job:completed", "$.result", detail)
    return replace(known, metrics={**metrics, **others}) if others else known


def _mapping_of(result: object) -> Mapping[str, Any]:
    if isinstance(result, Mapping):
        return cast("Mapping[str, Any]", result)
    dump = getattr(result, "model_dump", None)
    if callable(dump):
        return cast("Mapping[str, Any]", dump(mode="json"))
    detail = f"Expected `object` with content, metrics or artifacts, got `{type(result).__name__}`"
    raise InvalidEvent("job:completed", "$.result", detail)


def _check_text(value: object) -> None:
    """Raise UnicodeEncodeError for text with lone surrogates, which UTF-8 cannot encode."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, dict | list | tuple):
        members = cast("Iterable[object]", value)
        for member in members:
            _check_text(member)
            if isinstance(value, dict):
                _check_text(cast("dict[object, object]", value)[member])
