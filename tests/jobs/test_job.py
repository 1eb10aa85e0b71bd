"""Jobs from their beginning to their terminal event, as their watchers see them."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel

from longwire.catalog import (
    JobCompleted,
    JobCreated,
    JobFailed,
    JobLease,
    JobOutput,
    JobProgress,
    JobResult,
    JobStatusChanged,
)
from longwire.errors import (
    BrokerUnavailable,
    ConfigurationError,
    InvalidEvent,
    InvalidRoom,
    JobEnded,
    JobFinished,
    NotConnected,
    RoomDenied,
    StaleAttempt,
)
from longwire.jobs import BlockingJob, Job, current_job
from tests.jobs.recording import RecordingHost

TERMINAL = (JobCompleted, JobFailed)


@pytest.fixture
async def host() -> RecordingHost:
    return RecordingHost()


async def test_a_whole_job(host: RecordingHost) -> None:
    async with Job(host, job_id="42", owner="ada", title="Report") as job:
        assert job.room == "job:42"
        await job.progress(10, "Reading", estimated_completion=3)
        await job.output("It was ", type="writing")
        await job.output("a dark night.", type="writing", is_complete=True)
        await job.complete({"content": "done", "metrics": {"words": 6}}, cost=0.5)

    names = [type(event) for event in host.events]
    assert names == [
        JobCreated,
        JobStatusChanged,
        JobLease,
        JobProgress,
        JobOutput,
        JobCompleted,
    ]
    state = host.state("42")
    assert (state.owner, state.title, state.status) == ("ada", "Report", "completed")
    assert state.text == "It was a dark night."
    assert state.output_complete
    assert state.result is not None
    assert state.result.metrics == {"words": 6}
    assert state.cost == 0.5
    assert state.duration is not None
    assert state.duration >= 0
    assert not job.cancelled


async def test_the_end_of_the_body_completes_the_job(host: RecordingHost) -> None:
    async with Job(host) as job:
        pass
    (completed,) = host.of(*TERMINAL)
    assert isinstance(completed, JobCompleted)
    assert completed.result.content is None
    assert host.state(job.id).is_complete


class QuotaExceeded(Exception):
    retryable = True


class Coded(Exception):
    code = "no_money"


@pytest.mark.parametrize(
    ("error", "code", "retryable", "text"),
    [
        (ValueError("bad"), "value_error", False, "bad"),
        (ValueError(), "value_error", False, "ValueError"),
        (QuotaExceeded("later"), "quota_exceeded", True, "later"),
        (Coded("broke"), "no_money", False, "broke"),
        (TimeoutError("slow"), "timeout_error", True, "slow"),
        (ConnectionResetError("gone"), "connection_reset_error", True, "gone"),
        (BrokerUnavailable("redis"), "broker_unavailable", True, "redis"),
    ],
)
async def test_an_exception_fails_the_job_and_propagates(
    host: RecordingHost, error: Exception, code: str, retryable: bool, text: str
) -> None:
    with pytest.raises(type(error)) as raised:
        async with Job(host):
            raise error
    assert raised.value is error
    (failed,) = host.of(*TERMINAL)
    assert isinstance(failed, JobFailed)
    assert (failed.error, failed.error_code, failed.retryable) == (text, code, retryable)


async def test_job_cancel_cancels_the_body_and_is_swallowed(host: RecordingHost) -> None:
    started = asyncio.Event()

    async def work() -> Job:
        async with Job(host, job_id="42") as job:
            started.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)  # the task is not cancelled
        return job

    task = asyncio.create_task(work())
    await started.wait()
    assert host.cancel("42", "not needed") == 1
    job = await task
    assert job.cancelled
    assert task.cancelling() == 0
    state = host.state("42")
    assert (state.status, state.current_step, state.is_complete) == (
        "cancelled",
        "not needed",
        True,
    )
    assert not host.of(*TERMINAL)
    assert host.cancel("42") == 0  # the callback was removed


async def test_a_cancel_at_the_end_of_the_body_does_not_cancel_the_caller(
    host: RecordingHost,
) -> None:
    async with Job(host, job_id="42") as job:
        host.cancel("42")
    await asyncio.sleep(0)
    assert job.cancelled


async def test_a_body_may_complete_despite_a_cancel(host: RecordingHost) -> None:
    async with Job(host, job_id="42") as job:
        host.cancel("42")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await job.complete({"content": "just in time"})
    await asyncio.sleep(0)
    assert host.state("42").status == "completed"
    assert not job.cancelled


async def test_an_exception_during_cleanup_fails_the_job(host: RecordingHost) -> None:
    with pytest.raises(ValueError, match="cleanup"):  # noqa: PT012 - the body is what is tested
        async with Job(host, job_id="42"):
            host.cancel("42")
            try:
                await asyncio.Event().wait()
            finally:
                raise ValueError("cleanup")
    await asyncio.sleep(0)
    assert host.state("42").status == "failed"


async def test_a_cancellation_from_elsewhere_propagates(host: RecordingHost) -> None:
    with pytest.raises(TimeoutError):  # noqa: PT012 - the body is what is tested
        async with asyncio.timeout(0.01):
            async with Job(host, job_id="42") as job:
                await asyncio.Event().wait()
    state = host.state("42")
    assert (state.status, state.error_code, state.retryable) == ("failed", "interrupted", True)
    assert not job.cancelled


async def test_a_cancellation_from_elsewhere_propagates_despite_job_cancel(
    host: RecordingHost,
) -> None:
    async def work() -> None:
        async with Job(host, job_id="42"):
            started.set()
            await asyncio.Event().wait()

    started = asyncio.Event()
    task = asyncio.create_task(work())
    await started.wait()
    host.cancel("42")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert host.state("42").status == "cancelled"


async def test_calls_after_the_end_raise(host: RecordingHost) -> None:
    async with Job(host) as job:
        await job.complete()
        for call in (
            job.progress(1),
            job.output("x"),
            job.complete(),
            job.fail("", retryable=True),
        ):
            with pytest.raises(JobFinished):
                await call
    assert len(host.of(*TERMINAL)) == 1


async def test_an_exception_after_the_end_propagates(host: RecordingHost) -> None:
    with pytest.raises(ValueError, match="late"):  # noqa: PT012 - the body is what is tested
        async with Job(host) as job:
            await job.complete()
            raise ValueError("late")
    (end,) = host.of(*TERMINAL)
    assert isinstance(end, JobCompleted)


@pytest.mark.parametrize("value", [-1, 100.5, math.nan, math.inf, "50", None])
async def test_invalid_progress_raises_and_the_job_continues(
    host: RecordingHost, value: Any
) -> None:
    async with Job(host) as job:
        with pytest.raises(InvalidEvent):
            await job.progress(value)
    assert not host.of(JobProgress)
    assert host.state(job.id).status == "completed"


async def test_invalid_output_raises_and_the_job_continues(host: RecordingHost) -> None:
    calls: list[tuple[Any, Any]] = [
        (b"bytes", None),
        ("x", "singing"),
        (None, None),
        ("\ud800", None),
    ]
    async with Job(host) as job:
        for chunk, kind in calls:
            with pytest.raises(InvalidEvent):
                await job.output(chunk, type=kind)
        with pytest.raises(InvalidEvent):
            await job.complete({"content": 5})
        with pytest.raises(InvalidEvent):
            await job.complete(cost=-1)
    assert host.state(job.id).status == "completed"
    assert not host.of(JobOutput)


async def test_a_job_with_an_invalid_id_does_not_begin(host: RecordingHost) -> None:
    for job_id in ("", "a b", "x" * 300):
        with pytest.raises(InvalidRoom):
            async with Job(host, job_id=job_id):
                pytest.fail("the body ran")
    assert host.events == []


async def test_an_event_that_the_host_refuses_ends_the_job(host: RecordingHost) -> None:
    with pytest.raises(RoomDenied) as refused:  # noqa: PT012 - the body is what is tested
        async with Job(host) as job:
            host.faults.append(RoomDenied(job.room))
            await job.progress(1)
            await job.flush()
    state = host.state(job.id)
    assert (state.status, state.error_code) == ("failed", refused.value.code)
    assert state.error == f"The event job:progress was refused: {refused.value}"


async def test_the_body_does_not_run_if_the_host_refuses_the_job(
    host: RecordingHost,
) -> None:
    host.faults.append(RoomDenied("job:42"))
    with pytest.raises(RoomDenied):
        async with Job(host, job_id="42"):
            pytest.fail("the body ran")
    assert host.cancel("42") == 0


async def test_an_outage_neither_loses_nor_duplicates_events(host: RecordingHost) -> None:
    async with Job(host) as job:
        for number in range(5):
            host.faults.append(BrokerUnavailable("away"))
            host.late_faults.append(BrokerUnavailable("the answer was lost"))
            await job.output(f"{number} ")
            await job.progress(number)
            await job.flush()
    assert host.state(job.id).text == "0 1 2 3 4 "
    assert len(host.of(*TERMINAL)) == 1


async def test_a_slow_host_receives_merged_output_and_the_newest_progress(
    host: RecordingHost,
) -> None:
    async with Job(host) as job:
        host.gate.clear()
        for number in range(100):
            await job.output(f"{number} ")
            await job.progress(number)
        host.gate.set()
        await job.flush()
    assert host.state(job.id).text == "".join(f"{number} " for number in range(100))
    shown = [event.progress for event in host.events if isinstance(event, JobProgress)]
    assert shown[-1] == 99
    assert len(shown) <= 2


async def test_output_waits_for_a_host_that_cannot_keep_up(host: RecordingHost) -> None:
    async with Job(host) as job:
        host.gate.clear()
        chunk = "x" * 400_000
        await job.output(chunk)
        await job.output(chunk)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await job.output(chunk)
        host.gate.set()
    assert len(host.state(job.id).text) <= 4_096_000
    assert (
        sum(len(event.chunk) for event in host.events if isinstance(event, JobOutput)) == 1_200_000
    )


async def test_progress_interval_limits_progress_but_sends_the_newest(host: RecordingHost) -> None:
    async with Job(host, progress_interval=60) as job:
        for number in range(50):
            await job.progress(number, "working")
    shown = [event.progress for event in host.events if isinstance(event, JobProgress)]
    assert shown == [0, 49]


async def test_a_silent_job_publishes_leases(host: RecordingHost) -> None:
    async with Job(host, lease=0.06):
        await host.until(lambda: len(host.of(JobLease)) >= 4)
    assert all(
        lease.expires_in == 0.06 for lease in host.of(JobLease) if isinstance(lease, JobLease)
    )


async def test_current_job_returns_the_innermost_job(host: RecordingHost) -> None:
    assert current_job() is None
    async with Job(host, job_id="outer") as outer:
        async with Job(host, job_id="inner") as inner:
            assert current_job() is inner
            assert await asyncio.to_thread(current_job) is inner
        assert current_job() is outer
    assert current_job() is None


async def test_a_thread_publishes_through_the_blocking_job(host: RecordingHost) -> None:
    def crunch(job: Any) -> str:
        job.progress(50, "half")
        job.output("from a thread", type="thinking", is_complete=True)
        return f"cancelled: {job.cancel_requested}"

    async with Job(host) as job:
        answer = await asyncio.to_thread(crunch, job.blocking)
    state = host.state(job.id)
    assert (answer, state.text, state.current_step) == ("cancelled: False", "from a thread", "half")
    assert state.output[0].type == "thinking"


async def test_a_lease_must_be_positive(host: RecordingHost) -> None:
    with pytest.raises(ValueError, match="lease must be > 0"):
        async with Job(host, lease=0):
            pytest.fail("the body ran")


async def test_a_cancel_before_the_body_cancels_the_body(host: RecordingHost) -> None:
    async def work() -> Job:
        async with Job(host, job_id="42") as job:
            await asyncio.Event().wait()
        return job

    host.gate.clear()
    task = asyncio.create_task(work())
    while host.cancel("42", "early") == 0:  # noqa: ASYNC110 - no event tells when it listens
        await asyncio.sleep(0)
    host.cancel("42", "again")
    host.gate.set()
    assert (await task).cancelled
    assert host.state("42").current_step == "early"


async def test_calls_after_a_refusal_raise_it_again(host: RecordingHost) -> None:
    with pytest.raises(RoomDenied):  # noqa: PT012 - the body is what is tested
        async with Job(host, job_id="42") as job:
            host.faults.append(RoomDenied("job:42"))
            await job.progress(1)
            with pytest.raises(RoomDenied):
                await job.flush()
            with pytest.raises(RoomDenied):
                await job.output("x")
            await job.progress(2)


async def test_the_refusal_of_the_end_propagates(host: RecordingHost) -> None:
    with pytest.raises(RoomDenied):
        async with Job(host, job_id="42"):
            host.faults.append(RoomDenied("job:42"))
    state = host.state("42")
    assert (state.status, state.error_code) == ("failed", "forbidden")


async def test_an_outage_longer_than_retry_for_is_an_error(host: RecordingHost) -> None:
    with pytest.raises(BrokerUnavailable):  # noqa: PT012 - the body is what is tested
        async with Job(host, job_id="42", retry_for=0.1) as job:
            host.faults += [BrokerUnavailable("away")] * 10
            await job.output("x")
            await job.flush()


async def test_a_cancellation_from_elsewhere_at_the_end_of_the_body_propagates(
    host: RecordingHost,
) -> None:
    async def work() -> None:
        async with Job(host, job_id="42"):
            host.cancel("42")
            task.cancel()

    task = asyncio.create_task(work())
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_job_must_be_entered_in_a_task() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        Job(RecordingHost()).__aenter__().send(None)


async def test_a_job_left_in_another_context_ends(host: RecordingHost) -> None:
    """A reader that stops early leaves the generator to the event loop: the job ran for ever."""

    async def tokens() -> AsyncGenerator[int]:
        async with Job(host, job_id="42") as job:
            for number in range(100):
                await job.output(str(number))
                yield number

    reader = tokens()
    async for _ in reader:
        break
    await asyncio.create_task(reader.aclose())
    state = host.state("42")
    assert (state.status, state.error_code) == ("failed", "interrupted")
    assert current_job() is None


async def test_a_job_entered_by_a_task_that_has_ended_can_be_left_and_interrupted(
    host: RecordingHost,
) -> None:
    first, second = Job(host, job_id="1"), Job(host, job_id="2")
    for job in (first, second):
        await asyncio.create_task(job.__aenter__())
    await first.__aexit__(None, None, None)
    await second.interrupt()
    assert [host.state(job_id).status for job_id in ("1", "2")] == ["completed", "failed"]
    assert not await second.__aexit__(None, None, None)


async def test_a_job_runs_once(host: RecordingHost) -> None:
    """In a loop that tries again, the second round left the job running."""
    job = Job(host, job_id="42")
    with pytest.raises(TimeoutError):
        async with job:
            raise TimeoutError("upstream")
    with pytest.raises(ConfigurationError, match="entered before"):
        async with job:
            pytest.fail("the body ran")
    assert host.state("42").error_code == "timeout_error"


async def test_a_job_that_has_not_begun_refuses_calls(host: RecordingHost) -> None:
    job = Job(host)
    for call in (lambda: job.progress(5), lambda: job.output("x"), job.flush, job.complete):
        with pytest.raises(ConfigurationError, match="async with"):
            await call()
    for name in ("elapsed", "blocking", "attempt"):
        with pytest.raises(ConfigurationError, match="begun"):
            getattr(job, name)
    assert Job(host, attempt=3).attempt == 3


async def test_ids_may_be_uuids(host: RecordingHost) -> None:
    job_id, owner = uuid4(), uuid4()
    async with Job(host, job_id, owner) as job:
        pass
    assert job.id == str(job_id)
    assert host.state(str(job_id)).owner == str(owner)


async def test_an_id_that_is_no_text_does_not_begin(host: RecordingHost) -> None:
    with pytest.raises(InvalidEvent, match=r"Expected `str`, got `int` at \$\.jobId"):
        async with Job(host, 42):  # type: ignore[arg-type]
            pytest.fail("the body ran")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, JobResult()),
        ({"content": "x", "rows": 42}, JobResult(content="x", metrics={"rows": 42})),
        ({"Content": "x"}, JobResult(metrics={"Content": "x"})),
        ({"metrics": {"a": 1}, "b": 2}, JobResult(metrics={"a": 1, "b": 2})),
    ],
)
async def test_a_result_keeps_every_key(
    host: RecordingHost, given: dict[str, Any] | None, kept: JobResult
) -> None:
    async with Job(host, job_id="42") as job:
        await job.complete(given)
    assert host.state("42").result == kept


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ("done", "got `str`"),
        ([], "got `list`"),
        (0, "got `int`"),
        ({"metrics": {"rows": 1}, "rows": 2}, "Key `rows`"),
    ],
)
async def test_a_result_that_cannot_be_kept_is_refused(
    host: RecordingHost, given: Any, detail: str
) -> None:
    async with Job(host) as job:
        with pytest.raises(InvalidEvent, match=detail):
            await job.complete(given)
    assert host.state(job.id).status == "completed"


async def test_a_pydantic_model_may_be_the_result(host: RecordingHost) -> None:
    class Report(BaseModel):
        content: str
        pages: int

    async with Job(host, job_id="42") as job:
        await job.complete(Report(content="x", pages=3))  # type: ignore[arg-type]
    assert host.state("42").result == JobResult(content="x", metrics={"pages": 3})


async def test_the_end_is_published_though_the_call_that_made_it_was_cancelled(
    host: RecordingHost,
) -> None:
    async def work() -> None:
        async with Job(host, job_id="42") as job:
            host.gate.clear()
            completing.set()
            await job.complete({"content": "x"})

    completing = asyncio.Event()
    task = asyncio.create_task(work())
    await completing.wait()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    host.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert host.state("42").status == "completed"


@pytest.mark.parametrize("error", [StaleAttempt(2), JobEnded()])
async def test_a_worker_that_is_fenced_off_publishes_nothing_more(
    host: RecordingHost, error: Exception
) -> None:
    with pytest.raises(type(error)):  # noqa: PT012 - the body is what is tested
        async with Job(host, job_id="42", lease=60) as job:
            host.faults.append(error)
            await job.output("late")
            await asyncio.Event().wait()  # is cancelled
    assert host.cancel("42") == 0
    assert not host.of(JobOutput, *TERMINAL)


async def test_a_fenced_worker_that_fails_by_itself_keeps_its_error(host: RecordingHost) -> None:
    with pytest.raises(KeyError) as failed:  # noqa: PT012 - the body is what is tested
        async with Job(host, job_id="42") as job:
            host.faults.append(StaleAttempt(2))
            await job.output("late")
            try:
                await asyncio.Event().wait()
            finally:
                raise KeyError("cleanup")
    assert "another worker took over" in failed.value.__notes__[0]


async def test_a_refused_event_ends_the_job_before_the_body_makes_another_call(
    host: RecordingHost,
) -> None:
    with pytest.raises(RoomDenied):  # noqa: PT012 - the body is what is tested
        async with Job(host, job_id="42") as job:
            host.faults.append(RoomDenied("job:42"))
            await job.output("x")
            await host.until(lambda: bool(host.of(JobFailed)))
    assert len(host.of(*TERMINAL)) == 1


async def test_a_thread_of_a_job_that_was_taken_over_is_asked_to_stop(host: RecordingHost) -> None:
    def crunch(job: BlockingJob) -> None:
        while not job.cancel_requested:
            wake.wait(0.001)
        stopped.set()

    wake, stopped = threading.Event(), threading.Event()
    with pytest.raises(StaleAttempt):  # noqa: PT012 - the body is what is tested
        async with Job(host, job_id="42", lease=0.06) as job:
            host.faults.append(StaleAttempt(2))
            await asyncio.to_thread(crunch, job.blocking)
    assert await asyncio.to_thread(stopped.wait, 5)
    assert not job.cancelled


async def test_a_job_whose_client_disconnected_does_not_wait_to_publish_its_end(
    host: RecordingHost,
) -> None:
    with pytest.raises(NotConnected):  # noqa: PT012 - the body is what is tested
        async with Job(host, job_id="42") as job:
            host.faults.append(NotConnected("the client disconnected"))
            await job.output("x")
            await job.flush()
    assert not host.state("42").is_complete
