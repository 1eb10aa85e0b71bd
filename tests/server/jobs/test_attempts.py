"""Jobs that change hands: attempts are claimed, and late workers are fenced off."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from longwire import JobState, Server, WebSocketClient, anonymous
from longwire.catalog import (
    JobCancel,
    JobCompleted,
    JobCreated,
    JobFailed,
    JobOutput,
    JobProgress,
    JobResult,
    JobStatusChanged,
)
from longwire.errors import (
    ConfigurationError,
    Conflict,
    InvalidEvent,
    JobEnded,
    StaleAttempt,
)
from longwire.jobs import Job
from longwire.schema import Event
from longwire.testing import Link
from longwire.types import Position


async def state_of(server: Server, job_id: str = "42") -> JobState:
    state = await server.job_state(job_id)
    assert state is not None
    return state


@pytest.fixture(params=["in process", "client"])
async def start_job(any_server: Server, request: pytest.FixtureRequest):
    """Start a job in the process of the server, and in a client."""
    async with Link(any_server) as link:
        if request.param == "in process":
            yield any_server.job
        else:
            yield (await link.connect("service:worker")).start_job


Start = Callable[..., Job]


async def test_the_next_call_of_a_worker_raises_after_another_took_its_job_over(
    any_server: Server, start_job: Start
) -> None:
    with pytest.raises(StaleAttempt) as refused:  # noqa: PT012 - the body is what is tested
        async with start_job(job_id="42") as late:
            await late.output("one")
            await late.flush()
            async with start_job(job_id="42") as job:
                await job.output("two")
                await job.complete({"content": "second"})
            await late.output("late")
            with pytest.raises(StaleAttempt):
                await late.flush()
            await late.complete({"content": "first"})

    state = await state_of(any_server)
    assert (late.attempt, job.attempt, refused.value.attempt) == (1, 2, 2)
    assert (state.status, state.attempt, state.text) == ("completed", 2, "two")
    assert state.result == JobResult(content="second")


async def test_the_body_of_a_late_worker_is_cancelled_though_it_makes_no_call(
    any_server: Server, start_job: Start
) -> None:
    was_cancelled = False

    async def work() -> None:
        nonlocal was_cancelled
        async with start_job(job_id="42", lease=0.3):
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                was_cancelled = True
                raise

    begun = asyncio.Event()
    late = asyncio.create_task(work())
    await begun.wait()
    async with start_job(job_id="42") as job:
        with pytest.raises(StaleAttempt):
            await late
        await job.output("two")
    assert was_cancelled
    assert not late.cancelled()
    assert (await state_of(any_server)).text == "two"


async def test_of_twenty_workers_that_are_given_the_same_attempt_one_runs(
    any_server: Server, start_job: Start
) -> None:
    async def work(number: int) -> int:
        async with start_job(job_id="42", attempt=1) as job:
            await job.complete({"content": str(number)})
        return number

    outcomes = await asyncio.gather(*map(work, range(20)), return_exceptions=True)
    winners = [outcome for outcome in outcomes if isinstance(outcome, int)]
    assert sum(isinstance(outcome, StaleAttempt) for outcome in outcomes) == 19
    assert (await state_of(any_server)).result == JobResult(content=str(winners[0]))


async def test_an_attempt_must_follow_the_last_one(any_server: Server, start_job: Start) -> None:
    async with start_job(job_id="42", attempt=1):
        pass
    with pytest.raises(StaleAttempt):
        async with start_job(job_id="42", attempt=3):
            pytest.fail("the body ran")
    async with start_job(job_id="42", attempt=2) as job:
        pass
    assert (job.attempt, (await state_of(any_server)).attempt) == (2, 2)


async def test_a_queued_job_keeps_owner_title_and_number_when_a_worker_takes_it(
    any_server: Server, start_job: Start
) -> None:
    """The worker's `job:created` took the owner away: the owner then got 404."""
    await any_server.publish(JobCreated(job_id="42", title="Report", owner="ada"))
    await any_server.publish(JobStatusChanged(job_id="42", status="queued", message="2nd in line"))
    async with start_job(job_id="42") as job:
        state = await state_of(any_server)
    assert (state.title, state.owner, state.attempt, job.attempt) == ("Report", "ada", 1, 1)
    async with start_job(job_id="42", title="Report again"):
        pass
    state = await state_of(any_server)
    assert (state.title, state.owner, state.attempt) == ("Report again", "ada", 2)


async def test_a_job_that_is_cancelled_before_a_worker_took_it_ends_at_once(
    any_server: Server, start_job: Start
) -> None:
    await any_server.publish(JobCreated(job_id="42"))
    await any_server.cancel_job("42", "no longer needed")
    state = await state_of(any_server)
    assert (state.status, state.current_step) == ("cancelled", "no longer needed")
    with pytest.raises(JobEnded):
        async with start_job(job_id="42"):
            pytest.fail("the body ran")
    async with start_job(job_id="42", attempt=2):
        pass
    assert (await state_of(any_server)).status == "completed"


async def test_a_request_to_cancel_leaves_the_end_of_a_running_job_to_its_worker(
    any_server: Server, start_job: Start
) -> None:
    async def work() -> Job:
        async with start_job(job_id="42") as job:
            begun.set()
            await asyncio.Event().wait()
        return job

    begun = asyncio.Event()
    working = asyncio.create_task(work())
    await begun.wait()
    request = JobCancel(job_id="42", reason="enough")
    while not working.done():  # the worker may not listen yet
        await any_server.publish(request)
        await asyncio.wait({working}, timeout=0.05)
    assert (await working).cancelled
    assert (await state_of(any_server)).status == "cancelled"


async def test_a_job_that_is_ended_by_someone_else_stops_its_worker(
    any_server: Server, start_job: Start
) -> None:
    with pytest.raises(JobEnded):  # noqa: PT012 - the body is what is tested
        async with start_job(job_id="42", lease=0.3):
            await any_server.publish(JobFailed(job_id="42", error="stop", retryable=False))
            await asyncio.Event().wait()
    assert (await state_of(any_server)).error == "stop"


async def test_nothing_is_published_after_the_end(any_server: Server, start_job: Start) -> None:
    """The job renewed its lease while the body went on, which the fence refused."""
    async with start_job(job_id="42", lease=0.03) as job:
        await job.complete()
        end = await any_server.broker.position(job.room)
        await asyncio.sleep(0.1)  # ten renewals
    assert await any_server.broker.position(job.room) == end


async def test_a_repeated_claim_returns_the_number_of_the_first(any_server: Server) -> None:
    """A client repeats it when the connection broke before the answer."""
    created = JobCreated(job_id="42", title="Report")
    first = await any_server.start_attempt(created, id="claim")
    assert await any_server.start_attempt(created, id="claim") == first == 1
    await any_server.publish(JobStatusChanged(job_id="42", status="running"), attempt=1)
    assert await any_server.start_attempt(created, id="claim") == 1
    assert await any_server.start_attempt(created, id="other") == 2
    assert await any_server.start_attempt(created, id="claim") == 1


async def test_created_without_a_worker_is_refused_for_an_attempt_that_exists(
    any_server: Server,
) -> None:
    await any_server.publish(JobCreated(job_id="42"))
    with pytest.raises(StaleAttempt):
        await any_server.publish(JobCreated(job_id="42"))
    await any_server.publish(JobCreated(job_id="42", attempt=2))
    assert (await state_of(any_server)).attempt == 2


async def test_the_end_of_another_job_in_the_room_does_not_end_the_attempt(
    any_server: Server,
) -> None:
    async with any_server.job(job_id="42") as job:
        end = JobCompleted(job_id="43", result=JobResult(), cost=0, duration=0)
        await any_server.publish(end, room=job.room)
        await job.output("one")
        await job.flush()
    assert (await state_of(any_server)).text == "one"


async def test_compare_and_set_in_a_room_of_a_job_and_in_another(any_server: Server) -> None:
    progress = JobProgress(job_id="42", progress=1, current_step="a")
    for room in ("job:42", "global"):
        first = await any_server.publish(progress, room=room, expect=None)
        with pytest.raises(Conflict) as refused:
            await any_server.publish(progress, room=room, expect=None)
        assert refused.value.position == first
        await any_server.publish(progress, room=room, expect=first)


@pytest.mark.parametrize(
    "publish",
    [
        lambda server, event: server.publish(event, attempt=1, room="global"),
        lambda server, event: server.publish(event, attempt=0),
        lambda server, event: server.publish(event, attempt=1, volatile=True),
        lambda server, event: server.publish(event, expect=None, volatile=True),
        lambda server, event: server.publish_data(
            "job:output", b'{"jobId":"42","chunk":""}', attempt="next"
        ),
    ],
)
async def test_an_attempt_or_an_expectation_in_a_wrong_place_is_refused(
    publish: Callable[[Server, Event], Awaitable[Position]],
) -> None:
    async with Server(authenticate=anonymous) as server:
        with pytest.raises(ConfigurationError):
            await publish(server, JobOutput(job_id="42", chunk="x"))


async def test_a_client_publishes_within_an_attempt(any_server: Server) -> None:
    async with Link(any_server) as link:
        client: WebSocketClient = await link.connect("service:worker")
        assert await client.start_attempt(JobCreated(job_id="42")) == 1
        await client.publish(JobOutput(job_id="42", chunk="one"), attempt=1)
        await client.publish(JobCreated(job_id="42"), attempt=2)
        with pytest.raises(StaleAttempt) as refused:
            await client.publish(JobOutput(job_id="42", chunk="late"), attempt=1)
        with pytest.raises(InvalidEvent):
            await client.publish(JobOutput(job_id="42", chunk="x"), attempt=0)
    assert refused.value.attempt == 2


async def test_a_lost_worker_that_comes_back_before_another_attempt_keeps_its_result(
    any_server: Server, start_job: Start
) -> None:
    lost = JobFailed(job_id="42", error="gone?", error_code="worker_lost", retryable=True)
    async with start_job(job_id="42") as job:
        await any_server.publish(lost)
        assert (await state_of(any_server)).error_code == "worker_lost"
        await job.output("still here")
        await job.flush()
        assert (await state_of(any_server)).is_running
        assert [state.status for state in await any_server.jobs()] == ["running"]
        await job.complete({"content": "the result"})
    state = await state_of(any_server)
    assert (state.status, state.error, state.text) == ("completed", None, "still here")
