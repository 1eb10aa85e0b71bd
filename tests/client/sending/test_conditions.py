"""Conditions of a publication in both Python clients."""

import asyncio

import pytest

from longwire import Server
from longwire.catalog import BudgetUpdated, JobCreated, JobOutput
from longwire.errors import ConfigurationError, Conflict, JobEnded, StaleAttempt
from longwire.server import issue_token
from longwire.sync import WebSocketClient as SyncClient
from tests.client.conftest import Connect
from tests.serving import SECRET

ROOM = "user:ada"
SERVICE = issue_token(SECRET, "worker", service=True)


def budget(used: float) -> BudgetUpdated:
    return BudgetUpdated(used=used, total=100.0, percentage=used, breakdown={})


def output(text: str) -> JobOutput:
    return JobOutput(job_id="1", chunk=text, is_complete=False)


async def test_a_conflict_has_the_current_value_and_its_position(
    clients: Connect, url: str
) -> None:
    client = clients(url, token=SERVICE)
    await client.connect()
    first = await client.publish(budget(10), room=ROOM, expect=None)
    second = await client.publish(budget(20), room=ROOM, expect=first)
    for expected in (first, None):
        with pytest.raises(Conflict) as refused:
            await client.publish(budget(30), room=ROOM, expect=expected)
        assert (refused.value.room, refused.value.position) == (ROOM, second)
        assert refused.value.value["used"] == 20
    assert (await client.publish(budget(40), room=ROOM)).offset == 3


async def test_a_late_worker_receives_the_current_attempt(clients: Connect, url: str) -> None:
    client = clients(url, token=SERVICE)
    await client.connect()
    created = JobCreated(job_id="1", title="T")
    assert await client.start_attempt(created) == 1
    assert await client.start_attempt(created) == 2
    with pytest.raises(StaleAttempt) as stale:
        await client.publish(output("late"), attempt=1)
    assert stale.value.attempt == 2
    async with client.start_job(job_id="1", attempt=3):
        pass
    with pytest.raises(JobEnded):
        await client.publish(output("late"), attempt=3)


async def test_conditions_of_volatile_events_and_other_rooms_are_refused(
    clients: Connect, url: str
) -> None:
    client = clients(url, token=SERVICE)
    await client.connect()
    with pytest.raises(ConfigurationError, match="volatile"):
        client.publish(budget(1), room=ROOM, volatile=True, expect=None)
    with pytest.raises(ConfigurationError, match="volatile"):
        client.publish(output("x"), volatile=True, attempt=1)
    with pytest.raises(ConfigurationError, match="user:ada"):
        await client.publish(budget(1), room=ROOM, attempt=1)


async def test_the_sync_client_raises_the_same_errors(url: str, server: Server) -> None:
    def work() -> None:
        with SyncClient(url, token=SERVICE, proxy=None) as client:
            first = client.publish(budget(10), room=ROOM, expect=None).result()
            with pytest.raises(Conflict) as refused:
                client.publish(budget(20), room=ROOM, expect=None).result()
            assert (refused.value.position, refused.value.value["used"]) == (first, 10)
            with client.start_job(job_id="1") as job:
                job.output("[A]")
                with pytest.raises(StaleAttempt):
                    client.publish(JobCreated(job_id="1", attempt=1), attempt=1).result()

    await asyncio.to_thread(work)
    assert (await server.broker.position(ROOM)).offset == 1
