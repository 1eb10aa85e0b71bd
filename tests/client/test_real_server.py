"""The client with the real server, behind a proxy that fails."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from longwire import Server, WebSocketClient
from longwire.catalog import (
    Announcement,
    JobCancel,
    JobCompleted,
    JobFailed,
    JobOutput,
    JobProgress,
    JobResult,
)
from longwire.client import ConnectionState, RoomReset
from longwire.errors import (
    CallRefused,
    ConnectionRefused,
    IdempotencyConflict,
    LocalProtocolError,
    PublishDenied,
    RoomDenied,
)
from longwire.server import issue_token, jwt_authenticator
from tests.client.conftest import Connect, until
from tests.proxy import Proxy
from tests.serving import SECRET, serving


def output(number: int, job: str = "1") -> JobOutput:
    return JobOutput(job_id=job, chunk=f"{number} ")


@pytest.fixture
async def client(proxy: Proxy, token: str, clients: Connect) -> WebSocketClient:
    """A connected client behind the proxy."""
    client = clients(proxy.url, token=token)
    await client.connect()
    return client


async def test_output_survives_cuts_without_loss_or_duplicate(
    client: WebSocketClient, worker: WebSocketClient, proxy: Proxy
) -> None:
    text: list[str] = []
    complete = asyncio.Event()
    client.on(JobOutput, lambda event: text.append(event.chunk))
    client.on(JobCompleted, lambda _: complete.set())
    await client.join_room("job:1")
    for number in range(300):
        await worker.publish(output(number))
        if number % 60 == 30:
            proxy.cut()
    await worker.publish(JobCompleted(job_id="1", result=JobResult(), cost=0, duration=1))
    await complete.wait()
    assert "".join(text) == "".join(f"{number} " for number in range(300))
    assert client.health.rooms_reset == 0


async def test_publications_over_a_failing_link_are_appended_once(
    worker: WebSocketClient, proxy: Proxy, clients: Connect, server: Server
) -> None:
    producer = clients(proxy.url, token=issue_token(SECRET, "p", service=True))
    await producer.connect()
    publications = []
    for number in range(200):
        publications.append(producer.publish(output(number)))
        if number % 50 == 25:
            await publications[number - 5]
            proxy.cut()
    positions = await asyncio.gather(*publications)
    assert [position.offset for position in positions] == list(range(1, 201))
    assert (await server.broker.position("job:1")).offset == 200


async def test_a_dead_connection_is_detected_and_replaced(
    worker: WebSocketClient, proxy: Proxy, token: str, clients: Connect
) -> None:
    client = clients(proxy.url, token=token, timeout=0.3)
    await client.connect()
    proxy.freeze()
    proxy.refuse()
    proxy.cut()
    await until(client, ConnectionState.RECONNECTING)
    waiting = client.join_room("job:1")
    await worker.publish(output(1))
    proxy.thaw()
    proxy.accept()
    received: asyncio.Queue[JobOutput] = asyncio.Queue()
    client.on(JobOutput, received.put_nowait)
    await waiting
    assert (await received.get()).chunk == "1 "


async def test_a_room_joined_after_connecting_is_read_from_its_beginning(
    client: WebSocketClient, worker: WebSocketClient
) -> None:
    for number in range(3):
        await worker.publish(JobProgress(job_id="7", progress=number, current_step="x"))
    await worker.publish(output(1, "7"))
    async with client.room("job:7") as room, room.events(JobProgress, JobOutput) as events:
        first, second = await anext(events), await anext(events)
    assert (first.progress, second.chunk) == (2, "1 ")


async def test_subscribing_after_connect_misses_no_event_of_granted_rooms(
    worker: WebSocketClient, url: str, token: str, clients: Connect
) -> None:
    await worker.publish(Announcement(message="hello"), room="global")
    client = clients(url)
    await client.connect(token)
    received: asyncio.Queue[Announcement] = asyncio.Queue()
    client.on(Announcement, received.put_nowait)
    assert (await received.get()).message == "hello"


async def test_actions_without_a_right_are_rejected(
    client: WebSocketClient, url: str, clients: Connect
) -> None:
    with pytest.raises(RoomDenied):
        await client.join_room("user:somebody-else")
    with pytest.raises(PublishDenied):
        await client.publish(output(1))
    with pytest.raises(ConnectionRefused):
        await clients(url, token="wrong").connect()


async def test_reusing_an_id_for_a_different_event_raises(worker: WebSocketClient) -> None:
    first = await worker.publish(JobProgress(job_id="1", progress=1, current_step="x"), id="a")
    again = await worker.publish(JobProgress(job_id="1", progress=1, current_step="x"), id="a")
    assert first == again
    with pytest.raises(IdempotencyConflict):
        await worker.publish(JobProgress(job_id="1", progress=2, current_step="x"), id="a")


async def test_following_a_job_to_its_result(
    client: WebSocketClient, worker: WebSocketClient, proxy: Proxy
) -> None:
    started, seen = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        async with worker.start_job(title="Report", job_id="1") as job:
            await job.progress(10, "Reading")
            await job.output("It was ", type="writing")
            await job.flush()
            started.set()
            await seen.wait()
            await job.output("a dark night.", type="writing")
            await job.complete({"content": "done"}, cost=0.5)

    working = asyncio.create_task(work())
    await started.wait()
    async with client.job("1") as job:
        states = aiter(job)
        state = await anext(states)
        assert (state.title, state.text, state.progress) == ("Report", "It was ", 10)
        assert job.is_running
        proxy.cut()
        seen.set()
        result = await job.result()
        assert result.content == "done"
        assert job.state.text == "It was a dark night."
        assert job.is_complete
        assert [state.status async for state in job] == ["completed"]
    await working
    assert client.health.tracked_jobs == 0


async def test_two_trackers_share_one_fold(
    client: WebSocketClient, worker: WebSocketClient
) -> None:
    await worker.publish(JobProgress(job_id="1", progress=5, current_step="x"))
    async with client.job("1") as first:
        assert (await anext(aiter(first))).progress == 5
        async with client.job("1") as second:
            assert (await anext(aiter(second))).progress == 5
        await worker.publish(JobCompleted(job_id="1", result=JobResult(), cost=0, duration=1))
        assert (await first.result()) == JobResult()


async def test_cancelling_a_job(client: WebSocketClient, worker: WebSocketClient) -> None:
    running = asyncio.Event()

    async def work() -> None:
        async with worker.start_job(job_id="1") as job:
            await job.flush()
            running.set()
            await asyncio.Event().wait()
        assert job.cancelled

    working = asyncio.create_task(work())
    await running.wait()
    async with client.job("1") as job:
        await job.cancel("enough")
        with pytest.raises(CallRefused) as caught:
            await job.result()
        assert caught.value.code == "cancelled"
    await asyncio.gather(working, return_exceptions=True)
    ack = await client.call(JobCancel(job_id="1"))
    assert not ack.ok or ack.offset


async def test_a_new_server_without_the_logs_resets_rooms(
    client: WebSocketClient, worker: WebSocketClient, server: Server, proxy: Proxy
) -> None:
    """The old logs are gone: the client receives a reset, then reads the new log from its start."""
    await worker.publish(output(1))
    text, news = list[str](), asyncio.Semaphore(0)

    def receive(event: JobOutput | RoomReset) -> None:
        text.append("reset" if isinstance(event, RoomReset) else event.chunk)
        news.release()

    client.on((JobOutput, RoomReset), receive, room="job:1")
    await client.join_room("job:1")
    await news.acquire()
    successor = Server(authenticate=jwt_authenticator(SECRET), shared_jobs=True)
    async with serving(successor, ws="websockets-sansio") as url:
        await successor.publish(output(2))
        address = urlsplit(url)
        proxy.upstream = (address.hostname, address.port)
        await server.close()
        await until(client, ConnectionState.RECONNECTING)
        assert "restarting" in str(client.error)
        await news.acquire()
        await news.acquire()
        await client.disconnect()
    assert text == ["1 ", "reset", "2 "]


async def test_health_of_a_real_connection(client: WebSocketClient) -> None:
    assert await client.ping() < 5
    assert client.health.clock_offset is not None
    assert abs(client.health.clock_offset) < 1


async def test_a_result_that_is_larger_than_a_message_fails_its_job_at_once(
    client: WebSocketClient, worker: WebSocketClient
) -> None:
    """Watchers saw the job running until its lease ran out, and then that its worker was lost."""
    with pytest.raises(LocalProtocolError):
        async with worker.start_job(job_id="1", lease=3600) as job:
            await job.complete({"content": "x" * 2_000_000})
    with pytest.raises(CallRefused, match="job:completed was refused"):
        await client.job("1").result()


async def test_a_worker_whose_link_was_dead_keeps_its_result(
    worker: WebSocketClient, client: WebSocketClient
) -> None:
    lost = JobFailed(job_id="1", error="gone?", error_code="worker_lost", retryable=True)
    async with worker.start_job(job_id="1") as job:
        await worker.publish(lost, id="worker_lost")
        await job.output("two")
        await job.complete({"content": "the result"})
    assert (await client.job("1").result()).content == "the result"


async def test_a_claim_that_is_sent_twice_begins_one_attempt(
    proxy: Proxy, clients: Connect
) -> None:
    """The connection breaks before the answer: the client sends the claim again."""
    worker = clients(proxy.url, token=issue_token(SECRET, "worker", service=True))
    await worker.connect()
    for attempt in range(1, 6):
        cutting = asyncio.create_task(asyncio.sleep(0.001 * attempt))
        cutting.add_done_callback(lambda _: proxy.cut())
        async with worker.start_job(job_id="1") as job:
            assert job.attempt == attempt
        await cutting
