"""Late and returning readers receive everything in a few frames."""

from __future__ import annotations

import asyncio

import pytest

from longwire import Server, WebSocketClient, anonymous
from longwire.catalog import Announcement, JobCompleted, JobCreated, JobOutput, JobProgress
from longwire.testing import History
from tests.proxy import Proxy
from tests.serving import serving

TOKENS = 100_000
MISSED = 500
ROOM = "job:1"


@pytest.mark.timeout(60)  # publishes 100,000 events
async def test_joining_a_finished_job_of_100_000_tokens_takes_a_few_frames() -> None:
    server, history = Server(authenticate=anonymous, shared_jobs=True), History()
    reader = history.reader("late")
    async with serving(server) as url, WebSocketClient(url, token="any token") as late:
        await history.publish(server, JobCreated(job_id="1", title="A long answer"))
        for number in range(TOKENS):
            await history.publish(server, JobOutput(job_id="1", chunk=f"{number:05} "))
        completed = JobCompleted(job_id="1", result={}, cost=0, duration=1)
        await history.publish(server, completed)
        reader.follow(late, ROOM)
        joined = await late.join_room(ROOM)
        await history.caught_up()
    assert joined.offset == TOKENS + 2
    assert history.check().applied <= 10


@pytest.mark.parametrize("kept", [0, 3])
async def test_a_reader_that_missed_500_progress_events_receives_the_newest(
    kept: int,
) -> None:
    server, history = Server(authenticate=anonymous, shared_jobs=True), History()
    reader = history.reader("away")
    async with (
        serving(server) as url,
        Proxy(url) as proxy,
        WebSocketClient(proxy.url, token="any token", reconnection_delay_max=0.05) as client,
    ):
        reader.follow(client, ROOM)
        await client.join_room(ROOM)
        await history.publish(server, Announcement(message="before", level="info"), room=ROOM)
        await history.caught_up()
        proxy.refuse()
        proxy.cut()
        for number in range(MISSED):
            progress = JobProgress(job_id="1", progress=number / 5, current_step=str(number))
            await history.publish(server, progress)
            if number % 100 < kept:
                note = Announcement(message=f"kept {number}", level="info")
                await history.publish(server, note, room=ROOM)
        proxy.accept()
        async with asyncio.timeout(10):
            await history.caught_up()
    assert history.check().applied == 1 + 5 * kept + 1
