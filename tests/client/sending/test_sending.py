"""emit, call and publish: online, offline, across reconnects, and given up."""

from __future__ import annotations

import asyncio
import gc

import pytest

from longwire import WebSocketClient
from longwire.catalog import JobCancel, JobCompleted, JobOutput, JobResult
from longwire.client import ConnectionState
from longwire.errors import (
    BrokerUnavailable,
    CallRefused,
    CallTimeout,
    IdempotencyConflict,
    InvalidEvent,
    InvalidRoom,
    LocalProtocolError,
    LongwireError,
    NotConnected,
    OutboxFull,
    PublishDenied,
    UnknownEvent,
)
from longwire.types import Position
from tests.client.conftest import Connect, until
from tests.client.peer import Peer, PeerSocket, accepted, connected, progress


async def test_events_emitted_early_are_sent_in_order_once_connected(
    client: WebSocketClient, peer: Peer
) -> None:
    first = client.emit("note", 1, b"binary")
    client.emit(JobCancel(job_id="1", reason="enough", timestamp=5))
    assert not first.done()
    socket = await connected(client, peer)
    assert (await socket.receive("note")).values() == [1, b"binary"]
    cancel = {"jobId": "1", "reason": "enough", "timestamp": 5}
    assert (await socket.receive("job:cancel")).values() == [cancel]
    await first
    await client.emit("note", 2)
    assert (await socket.receive("note")).values() == [2]


async def test_events_fail_in_their_caller_when_the_client_disconnects(
    client: WebSocketClient,
) -> None:
    emitted = client.emit("note")
    published = client.publish(progress(1))
    connecting = asyncio.create_task(client.connect())
    await asyncio.sleep(0)
    await client.disconnect()
    for waiting in (emitted, published, connecting):
        with pytest.raises(NotConnected):
            await waiting
    assert client.health.given_up == 2


@pytest.mark.parametrize("bound", [{"outbox_entries": 2}, {"outbox_bytes": 10}])
async def test_the_outbox_is_bounded(peer: Peer, clients: Connect, bound: dict[str, int]) -> None:
    client = clients(peer.url, **bound)
    client.emit("note", "four")
    client.emit("note", 1)
    with pytest.raises(OutboxFull):
        client.emit("note", "more")
    assert client.health.given_up == 1


async def test_an_event_larger_than_the_outbox_raises_with_its_size(clients: Connect) -> None:
    """Regression: the error only said that 0 events wait."""
    client = clients("http://127.0.0.1:1", outbox_bytes=10)
    with pytest.raises(OutboxFull, match=r"queue 15 bytes: 0 events \(0 bytes\) already wait"):
        client.emit("note", "more than 10")


async def test_cancelled_events_leave_the_outbox(clients: Connect) -> None:
    """Regression: calls that timed out before there was a connection filled the outbox."""
    url = "http://127.0.0.1:1"
    client = clients(url, outbox_entries=1)
    for _ in range(3):
        with pytest.raises(CallTimeout):
            await client.call("question", timeout=0)
        client.publish(progress(1)).cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    client.emit("note").cancel()
    await asyncio.sleep(0)
    assert client.health.given_up == client.health.unsent == 0


async def test_a_cancelled_call_is_forgotten(client: WebSocketClient, socket: PeerSocket) -> None:
    """Regression: the client kept each call until the connection ended."""
    session = client._supervisor.session
    assert session is not None
    asked = asyncio.create_task(client.call("question"))
    await socket.receive("question")
    asked.cancel()
    await asyncio.wait([asked])
    assert not session._acks


@pytest.mark.parametrize("text", ["x" * 1_000_000, "ü" * 500_000])
async def test_an_event_larger_than_the_server_accepts_fails_alone(
    client: WebSocketClient, peer: Peer, text: str
) -> None:
    """Regression: it ended the connection; a publication ended every later one, too."""
    early = client.publish(JobOutput(job_id="1", chunk=text))
    socket = await connected(client, peer)
    late = [
        early,
        client.publish(JobOutput(job_id="1", chunk=text)),
        client.emit("note", text),
        client.emit("note", b"x", bytes(1_000_001)),
        asyncio.create_task(client.call("question", text)),
    ]
    for sent in late:
        with pytest.raises(LocalProtocolError, match="limit of 1000000 bytes"):
            await sent
    client.emit("note", text[:400_000])
    await socket.receive("note")
    assert client.health.given_up == len(late)


async def test_cancelling_one_wait_for_the_write_buffer_leaves_the_others(
    peer: Peer, clients: Connect
) -> None:
    """Regression: all of them were cancelled."""
    client = clients(peer.url, write_buffer=1)
    socket = await connected(client, peer)
    socket.pause_reading()
    emitted = client.emit("note", 0)
    while emitted.done():
        emitted = client.emit("note", "x" * 100_000)
    impatient = client.emit("note", 1)
    impatient.cancel()
    await asyncio.sleep(0)
    assert not emitted.done()
    socket.resume_reading()
    await emitted


async def test_events_that_clients_must_not_send_are_rejected(client: WebSocketClient) -> None:
    with pytest.raises(LocalProtocolError, match="publish it"):
        client.emit(progress(1))
    with pytest.raises(InvalidEvent, match="progress"):
        client.publish(progress(101))
    with pytest.raises(UnknownEvent):
        client.publish("job:progress")


async def test_a_call_returns_the_acknowledgement(client: WebSocketClient, peer: Peer) -> None:
    calls = [asyncio.create_task(client.call(name)) for name in ("none", "one", "two")]
    socket = await connected(client, peer)
    await socket.answer("none")
    await socket.answer("one", {"ok": False})
    await socket.answer("two", 1, b"2")
    assert await asyncio.gather(*calls) == [None, {"ok": False}, (1, b"2")]


async def test_a_call_fails_when_the_connection_ends(client: WebSocketClient, peer: Peer) -> None:
    socket = await connected(client, peer)
    call = asyncio.create_task(client.call("question"))
    await socket.receive("question")
    socket.drop()
    with pytest.raises(NotConnected):
        await call


async def test_publications_are_pipelined_in_order(client: WebSocketClient, peer: Peer) -> None:
    socket = await connected(client, peer)
    results = [client.publish(progress(percent)) for percent in range(3)]
    requests = [(await socket.receive("publish")).values()[0] for _ in range(3)]
    assert [request["data"]["progress"] for request in requests] == [0, 1, 2]
    assert [request["room"] for request in requests] == ["job:1"] * 3
    assert len({request["id"] for request in requests}) == 3
    for number in (2, 0, 1):
        socket.connection.send_ack("/", number, [accepted(number + 1)])
    await socket.flush()
    assert await asyncio.gather(*results) == [Position("e", offset) for offset in (1, 2, 3)]


async def test_a_publication_without_an_answer_is_sent_again_with_its_id(
    client: WebSocketClient, peer: Peer
) -> None:
    socket = await connected(client, peer)
    results = [client.publish(progress(0)), client.publish(progress(1), id="mine")]
    first = await socket.receive("publish")
    second = (await socket.receive("publish")).values()[0]
    assert second["id"] == "mine"
    socket.drop()
    await until(client, ConnectionState.RECONNECTING)
    results.append(client.publish(progress(2)))
    socket = await (await peer.next_socket()).accept()
    assert await socket.answer("publish", accepted(1)) == first.values()
    assert await socket.answer("publish", accepted(2)) == [second]
    await socket.answer("publish", accepted(3))
    assert [position.offset for position in await asyncio.gather(*results)] == [1, 2, 3]


async def test_a_cancelled_publication_is_not_repeated(client: WebSocketClient, peer: Peer) -> None:
    cancelled = client.publish(progress(1))
    kept = client.publish(progress(2))
    cancelled.cancel()
    socket = await connected(client, peer)
    [request] = await socket.answer("publish", accepted(1))
    assert request["data"]["progress"] == 2
    await kept


async def test_volatile_events_do_not_wait(client: WebSocketClient, peer: Peer) -> None:
    with pytest.raises(NotConnected):
        await client.publish(progress(1), volatile=True)
    socket = await connected(client, peer)
    result = client.publish(progress(1), volatile=True)
    [request] = await socket.answer("publish", {"ok": True, "room": "job:1"})
    assert request["volatile"]
    assert "id" not in request
    await result
    lost = client.publish(progress(1), volatile=True)
    await socket.receive("publish")
    socket.drop()
    with pytest.raises(NotConnected):
        await lost


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("forbidden", PublishDenied),
        ("invalid_room", InvalidRoom),
        ("invalid_event", InvalidEvent),
        ("unknown_event", UnknownEvent),
        ("broker_unavailable", BrokerUnavailable),
        ("idempotency_conflict", IdempotencyConflict),
        ("something_else", CallRefused),
    ],
)
async def test_a_rejected_publication_raises_by_its_error_code(
    client: WebSocketClient, peer: Peer, code: str, error: type[LongwireError]
) -> None:
    socket = await connected(client, peer)
    result = client.publish(progress(1))
    await socket.answer("publish", {"ok": False, "error": {"code": code, "message": "no"}})
    with pytest.raises(error) as caught:
        await result
    assert caught.value.code == code


async def test_a_worker_receives_the_request_to_cancel_its_job(
    client: WebSocketClient, peer: Peer
) -> None:
    socket = await connected(client, peer)
    requests: asyncio.Queue[JobCancel] = asyncio.Queue()
    undo = client.on_cancel("1", requests.put_nowait)
    joined = await socket.accept_join("job:1", "e", 3)
    assert joined == ["job:1", "now"]
    await socket.emit("job:cancel", {"jobId": "1", "reason": "enough", "timestamp": 1}, "4@job:1")
    assert (await requests.get()).reason == "enough"
    undo()
    undo()
    await socket.receive("leave_room")


async def test_a_full_write_buffer_slows_emit_down(peer: Peer, clients: Connect) -> None:
    client = clients(peer.url, write_buffer=1000)
    socket = await connected(client, peer)
    sent = 1
    while (full := client.emit("note", "x" * 100_000)).done():
        sent += 1
    await full
    for _ in range(sent):
        await socket.receive("note")


async def test_sent_events_leave_the_outbox(client: WebSocketClient, peer: Peer) -> None:
    socket = await connected(client, peer)
    done = client.publish(JobCompleted(job_id="1", result=JobResult(), cost=0, duration=1))
    await socket.answer("publish", accepted(1))
    await done
    await client.emit("note")
    gc.collect()
    assert client.health.unsent == 0
