"""The outbox over time and across processes: expiry, the file, and who receives which error."""

from __future__ import annotations

import asyncio
import logging
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from longwire import Server, WebSocketClient
from longwire.catalog import JobOutput
from longwire.client import ConnectionState
from longwire.client.sending import outbox
from longwire.clock import clock
from longwire.errors import CallTimeout, LocalProtocolError, NotConnected, OutboxFileError
from longwire.tokens import issue_token
from tests.client.conftest import Connect
from tests.client.peer import Peer, PeerSocket, accepted, connected, progress
from tests.serving import SECRET

UNREACHABLE = "http://127.0.0.1:1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


def client_with_file(clients: Connect, url: str, path: Path, **options: Any) -> WebSocketClient:
    """A client whose outbox is a file."""
    return clients(url, outbox_file=path, **options)


async def all_answered(client: WebSocketClient, socket: PeerSocket) -> None:
    """Wait until the client has received every answer so far."""
    mark = asyncio.create_task(client.call("mark"))
    await socket.answer("mark")
    await mark


async def test_events_that_wait_too_long_fail_in_their_caller(clients: Connect) -> None:
    client = clients(UNREACHABLE, outbox_age=0.02)
    emitted, published = client.emit("note"), client.publish(progress(1))
    call = asyncio.create_task(client.call("question"))
    for waiting in (emitted, published, call):
        with pytest.raises(NotConnected, match=r"no connection for 0\.02 s"):
            await waiting
    assert client.health.given_up == 3
    assert client.health.unsent == 0
    again = client.emit("note")
    with pytest.raises(NotConnected):
        await again


async def test_expired_events_are_not_sent_by_a_later_connection(
    peer: Peer, clients: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = clients(peer.url, outbox_age=60)
    old = client.emit("old")
    now = clock.time()
    monkeypatch.setattr(clock, "time", lambda: now + 61)
    new = client.emit("new")
    socket = await connected(client, peer)
    await socket.receive("new")
    await new
    with pytest.raises(NotConnected):
        await old


@pytest.mark.parametrize("passed", [outbox.ID_WINDOW + 1, -60.0], ids=["later", "clock set back"])
async def test_a_publication_is_not_repeated_after_its_id_may_have_expired(
    passed: float, peer: Peer, clients: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = clients(peer.url)
    socket = await connected(client, peer)
    lost = client.publish(progress(1))
    await socket.receive("publish")
    now = clock.time()
    monkeypatch.setattr(clock, "time", lambda: now + passed)
    socket.drop()
    socket = await (await peer.next_socket()).accept()
    with pytest.raises(CallTimeout, match="may or may not have been published"):
        await lost
    waiting = client.publish(progress(2))
    [request] = await socket.answer("publish", accepted(2))
    assert request["data"]["progress"] == 2
    await waiting


async def test_the_file_keeps_waiting_events_for_the_next_run(
    peer: Peer, clients: Connect, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = client_with_file(clients, UNREACHABLE, path)
    emitted = first.emit("note", 1, b"\x00", {"a": [b"\x01", None]})
    published = first.publish(progress(1))
    call = asyncio.create_task(first.call("question"))
    connecting = asyncio.create_task(first.connect())
    await asyncio.sleep(0)
    await first.disconnect()
    for kept in (emitted, published):
        with pytest.raises(NotConnected, match=r"it waits in .*outbox\.db"):
            await kept
    for lost in (call, connecting):
        with pytest.raises(NotConnected):
            await lost
    assert first.health.given_up == 1, "only the call is lost: after a restart no task awaits it"

    second = client_with_file(clients, peer.url, path)
    later = second.emit("later")
    socket = await connected(second, peer)
    note = await socket.receive("note")
    assert note.values() == [1, b"\x00", {"a": [b"\x01", None]}]
    [request] = await socket.answer("publish", accepted(1))
    assert (request["data"], request["room"]) == (
        {"jobId": "1", "progress": 1, "currentStep": "x", "timestamp": 1},
        "job:1",
    )
    await socket.receive("later")
    await later
    await all_answered(second, socket)
    await second.disconnect()

    third = client_with_file(clients, peer.url, path)
    socket = await connected(third, peer)
    await third.emit("alone")
    await socket.receive("alone")


async def test_a_publication_repeated_by_the_next_run_keeps_its_id(
    peer: Peer, clients: Connect, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = client_with_file(clients, peer.url, path)
    socket = await connected(first, peer)
    published = first.publish(progress(1))
    request = (await socket.receive("publish")).values()
    await first.disconnect()
    with pytest.raises(NotConnected):
        await published
    second = client_with_file(clients, peer.url, path)
    socket = await connected(second, peer)
    refusal = {"ok": False, "error": {"code": "forbidden", "message": "not yours"}}
    with caplog.at_level(logging.WARNING):
        assert await socket.answer("publish", refusal) == request
        await all_answered(second, socket)
    assert "an event of an earlier run failed: not yours" in caplog.text


async def test_only_one_process_can_use_the_file(peer: Peer, clients: Connect, path: Path) -> None:
    first = client_with_file(clients, peer.url, path)
    first.emit("note")
    second = client_with_file(clients, peer.url, path, reconnection=False)
    with pytest.raises(OutboxFileError, match="another process uses it"):
        second.emit("note")
    with pytest.raises(OutboxFileError):
        await second.connect()
    await connected(first, peer)
    await first.disconnect()
    second.emit("note")
    await connected(second, peer)


async def test_unusable_files_are_rejected(clients: Connect, path: Path) -> None:
    path.write_text("not a database" * 100)  # noqa: ASYNC240
    with pytest.raises(OutboxFileError):
        client_with_file(clients, UNREACHABLE, path).emit("note")
    with pytest.raises(OutboxFileError):
        client_with_file(clients, UNREACHABLE, path.parent / "missing" / "outbox.db").emit("note")
    with pytest.raises(LocalProtocolError):
        client_with_file(clients, UNREACHABLE, path.parent / "other.db").emit("note", object())


async def test_an_unwritable_file_fails_connect_at_once(
    peer: Peer, clients: Connect, path: Path
) -> None:
    """Regression: the client retried a full disk for the whole `timeout`."""
    for unusable in (Path("/dev/full"), path.parent / "missing" / "outbox.db"):
        client = client_with_file(clients, peer.url, unusable, timeout=60.0)
        with pytest.raises(OutboxFileError):
            await asyncio.wait_for(client.connect(), 5)
        assert client.state is ConnectionState.ERROR


async def test_connect_waits_for_another_process_to_release_the_file(
    peer: Peer, clients: Connect, path: Path
) -> None:
    first, second = (client_with_file(clients, peer.url, path) for _ in range(2))
    await connected(first, peer)
    failed = asyncio.Event()
    second.on("connect_error", lambda _: failed.set())
    connecting = asyncio.create_task(second.connect())
    await failed.wait()
    await first.disconnect()
    await (await peer.next_socket()).accept()
    await connecting


async def test_a_damaged_file_raises_and_stays_unchanged(
    peer: Peer, clients: Connect, path: Path
) -> None:
    """Regression: the second attempt connected without the waiting events, silently."""
    client = client_with_file(clients, UNREACHABLE, path)
    client.publish(progress(1)).add_done_callback(lambda done: done.exception())
    await client.disconnect()
    with closing(sqlite3.connect(path)) as database, database:
        damage = "UPDATE waiting SET attachments = X'C1' RETURNING number"
        assert len(database.execute(damage).fetchall()) == 1

    client = client_with_file(clients, peer.url, path)
    for _ in range(2):
        with pytest.raises(OutboxFileError, match="malformed"):
            await client.connect()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM waiting").fetchone() == (1,)


async def test_a_database_of_another_program_is_rejected(clients: Connect, path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE waiting (customer TEXT)")
    with pytest.raises(OutboxFileError, match="no such column"):
        client_with_file(clients, UNREACHABLE, path).emit("note")


WORKER = """
    import asyncio, sys
    from longwire import WebSocketClient
    from longwire.catalog import JobOutput

    async def main(url, path, token):
        client = WebSocketClient(url, token=token, outbox_file=path)
        if url.endswith(":1"):
            for number in range(50):
                client.publish(JobOutput(job_id="1", chunk=f"{number} "))
        else:
            await client.connect()
            for number in range(50, 100):
                client.publish(JobOutput(job_id="1", chunk=f"{number} "))
        print("ready", flush=True)
        await asyncio.Event().wait()

    asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_killed_process_loses_and_repeats_nothing(
    url: str, server: Server, clients: Connect, path: Path
) -> None:
    token = issue_token(SECRET, "w", service=True)

    def run(address: str) -> None:
        """Publish in a process, and kill it once every event is in the outbox."""
        command = [sys.executable, "-c", textwrap.dedent(WORKER), address, str(path), token]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGKILL)

    await asyncio.to_thread(run, UNREACHABLE)
    await asyncio.to_thread(run, url)
    last = clients(url, token=token, outbox_file=path)
    await last.connect()
    await last.publish(JobOutput(job_id="1", chunk="end"))
    history = await server.broker.read("job:1")
    text = "".join(last.contract.decode(JobOutput, p.data).chunk for p in history.publications)
    assert text == "".join(f"{number} " for number in range(100)) + "end"
    assert history.position.offset == 101
