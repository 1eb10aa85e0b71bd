"""Two workers run one job at the same time, interleaved at each of their awaits.

A schedule is a seed: it fixes which of the two continues after each await, what else happens to the
job, and which acknowledgements are lost. `make soak` runs ten thousand schedules on each broker.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest

from longwire import Server
from longwire.broker import Broker, MemoryBroker, SQLiteBroker
from longwire.broker.redis import RedisBroker
from longwire.broker.slices import read_slices
from longwire.catalog import CATALOG, JobCancel, JobCompleted, JobCreated, JobFailed, JobOutput
from longwire.errors import BrokerUnavailable, JobEnded, StaleAttempt
from longwire.jobs import Job, JobHost
from longwire.jobs.fold import ends_attempt
from longwire.schema import Event
from longwire.testing import Link, authenticate_by_name
from longwire.types import Position

# Schedules that run at the same time, because some of them wait before they retry.
CONCURRENT = 20

# Turns of the event loop after which every task has reached its next await of a schedule.
TURNS = 12

T = TypeVar("T")


class Schedule:
    """Continues one of the waiting tasks at a time, chosen by the seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._waiting: list[asyncio.Future[None]] = []
        self._operations = 0

    async def step(self) -> None:
        """Wait until it is this task's turn."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    async def operation(self, awaitable: Awaitable[T]) -> T:
        """Await an operation of the host, during which no other task continues."""
        self._operations += 1
        try:
            return await awaitable
        finally:
            self._operations -= 1

    async def run(self, tasks: list[asyncio.Task[T]]) -> list[T]:
        while not all(task.done() for task in tasks):
            for _ in range(TURNS):
                await asyncio.sleep(0)
            waiting = self._waiting = [turn for turn in self._waiting if not turn.done()]
            if self._operations or not waiting:
                await asyncio.wait(tasks, timeout=0.001)
            else:
                waiting.pop(self.random.randrange(len(waiting))).set_result(None)
        return [task.result() for task in tasks]


class Workers:
    """The workers of one job and what they were told.

    Attributes:
        claims: for each attempt, the worker that claimed it.
    """

    def __init__(self, schedule: Schedule, job_id: str) -> None:
        self.schedule = schedule
        self.job_id = job_id
        self.claims: dict[int, str] = {}

    async def run(self, name: str, host: JobHost, attempt: int | None) -> str:
        """Run the job; return how that ended for this worker."""
        schedule = self.schedule
        await schedule.step()
        job = Job(ScheduledHost(name, host, self), self.job_id, attempt=attempt, lease=3600)
        try:
            async with job:
                for number in range(3):
                    await schedule.step()
                    await self._check(job, job.output(f"{name}{number};"))
                    await self._check(job, job.flush())
                await self._check(job, job.complete({"content": name}))
        except (StaleAttempt, JobEnded) as error:
            return error.code
        return "cancelled" if job.cancelled else "completed"

    async def _check(self, job: Job, call: Awaitable[None]) -> None:
        is_late = max(self.claims) > job.attempt
        publishes = not getattr(call, "__qualname__", "").endswith("output")
        await call
        assert not (is_late and publishes), "a late worker's call succeeded"


class ScheduledHost:
    """A job host whose calls take two steps: one before they have an effect, one after."""

    def __init__(self, name: str, host: JobHost, workers: Workers) -> None:
        self._name = name
        self._host = host
        self._workers = workers

    async def publish(
        self,
        event: Event,
        *,
        room: str | None = None,
        id: str | None = None,
        attempt: int | None = None,
    ) -> Position:
        publishing = self._host.publish(event, room=room, id=id, attempt=attempt)
        if isinstance(event, JobCreated):
            return await self._call(publishing, lambda _: attempt)
        return await self._call(publishing, lambda _: None)

    async def start_attempt(self, created: JobCreated, *, id: str | None = None) -> int:
        return await self._call(self._host.start_attempt(created, id=id), lambda number: number)

    def on_cancel(self, job_id: str, callback: Callable[[JobCancel], None]) -> Callable[[], None]:
        return self._host.on_cancel(job_id, callback)

    async def _call(self, call: Awaitable[T], claim: Callable[[T], int | None]) -> T:
        schedule = self._workers.schedule
        await schedule.step()
        result = await schedule.operation(call)
        number = claim(result)
        if number is not None:
            self._workers.claims[number] = self._name
        await schedule.step()
        if schedule.random.random() < 0.02:
            raise BrokerUnavailable("the acknowledgement was lost")
        return result


async def disturb(schedule: Schedule, server: Server, workers: Workers) -> str:
    """Do to the job what others may do at any time."""
    kind = schedule.random.choice(["nothing", "nothing", "guess", "cancel", "end"])
    for _ in range(schedule.random.randrange(12)):
        await schedule.step()
    job_id, attempt = workers.job_id, max(workers.claims, default=1)
    event: Event
    if kind == "guess" and workers.claims:
        event = JobFailed(job_id=job_id, error="?", error_code="worker_lost", retryable=True)
        with suppress(StaleAttempt, JobEnded):
            await schedule.operation(server.publish(event, attempt=attempt))
    elif kind == "cancel":
        await schedule.operation(server.publish(JobCancel(job_id=job_id)))
    elif kind == "end":
        event = JobFailed(job_id=job_id, error="stopped", retryable=False)
        await schedule.operation(server.publish(event))
    return kind


@pytest.fixture(params=["memory", "sqlite", "redis"])
async def link(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Link]:
    broker: Broker
    if request.param == "memory":
        broker = MemoryBroker()
    elif request.param == "sqlite":
        broker = SQLiteBroker(tmp_path / "logs.db")
    else:
        broker = RedisBroker(request.getfixturevalue("redis_server").url, prefix="attempts")
    async with Link(Server(authenticate=authenticate_by_name, broker=broker)) as link:
        yield link


@pytest.mark.parametrize(
    "schedules",
    [
        pytest.param(300, marks=pytest.mark.timeout(60)),
        pytest.param(10_000, marks=[pytest.mark.soak, pytest.mark.timeout(1200)]),
    ],
)
async def test_text_result_and_end_of_a_job_come_from_one_attempt(
    link: Link, schedules: int
) -> None:
    clients = [await link.connect(f"service:{name}") for name in "AB"]

    async def run(seed: int) -> None:
        hosts: list[JobHost] = [link.server, link.server]
        if seed % 3 == 0:
            hosts = list(clients)
        elif seed % 3 == 1:
            hosts[0] = clients[0]
        try:
            await run_schedule(seed, link.server, hosts)
        except BaseException as error:
            error.add_note(f"schedule {seed}")
            raise

    for start in range(0, schedules, CONCURRENT):
        await asyncio.gather(*map(run, range(start, min(start + CONCURRENT, schedules))))


async def run_schedule(seed: int, server: Server, hosts: list[JobHost]) -> None:
    schedule = Schedule(seed)
    workers = Workers(schedule, f"s{seed}")
    is_queued = schedule.random.random() < 0.5
    attempts = schedule.random.choice([(None, None), (1, 2), (1, 1), (None, 2), (1, None)])
    if is_queued:
        await server.publish(JobCreated(job_id=workers.job_id, title="Report", owner="ada"))
    tasks = [
        asyncio.create_task(workers.run(name, host, attempt))
        for name, host, attempt in zip("AB", hosts, attempts, strict=True)
    ]
    disturbing = asyncio.create_task(disturb(schedule, server, workers))
    *outcomes, kind = await schedule.run([*tasks, disturbing])
    await check(server, workers, dict(zip("AB", outcomes, strict=True)), kind, is_queued)


async def check(
    server: Server, workers: Workers, outcomes: dict[str, str], kind: str, is_queued: bool
) -> None:
    state = await server.job_state(workers.job_id)
    assert state is not None
    if is_queued:
        assert (state.title, state.owner) == ("Report", "ada")
    if not workers.claims:  # cancelled, or ended, before a worker took it
        assert (kind in ("cancel", "end"), state.is_complete) == (True, True)
        return
    newest = max(workers.claims)
    worker = workers.claims[newest]
    assert state.is_complete
    assert set(state.text[::3]) <= {worker}
    if state.status == "completed":
        assert outcomes[worker] == "completed"
        assert state.text == f"{worker}0;{worker}1;{worker}2;"
        assert state.result is not None
        assert state.result.content == worker
    else:
        assert kind in ("cancel", "end"), state
        assert outcomes[worker] == ("cancelled" if kind == "cancel" else "job_ended"), state
    await check_log(server, workers)


async def check_log(server: Server, workers: Workers) -> None:
    """Check every entry of the log, not only what the state shows."""
    writers = [workers.claims[number] for number in sorted(workers.claims)]
    newest, ends = max(workers.claims), 0
    is_last = newest == 1
    async for history in read_slices(server.broker, f"job:{workers.job_id}"):
        for entry in history.publications:
            event = CATALOG.decode(entry.event, entry.data)
            if isinstance(event, JobCreated) and event.attempt == newest:
                is_last, ends = True, 0
            writer = writers[-1 if is_last else 0]
            if isinstance(event, JobOutput):
                assert set(event.chunk[::3]) == {writer}
            if isinstance(event, JobCompleted):
                assert event.result.content == writer
            # An outsider may publish a second end, which changes nothing.
            is_outsider = isinstance(event, JobFailed) and event.error == "stopped"
            ends += ends_attempt(event) and not is_outsider
            assert ends <= 1
