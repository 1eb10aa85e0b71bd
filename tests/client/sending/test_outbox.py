"""The outbox over time and over processes: ages, the file, and what is told to whom."""

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
from tests.client.peer import Peer, Visit, accepted, connected, progress
from tests.serving import SECRET

NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


def keeping(clients: Connect, url: str, path: Path, **options: Any) -> WebSocketClient:
    """A client whose outbox is a file."""
    return clients(url, outbox_file=path, **options)


async def all_answered(client: WebSocketClient, visit: Visit) -> None:
    """Wait until the client has heard every answer so far."""
    mark = asyncio.create_task(client.call("mark"))
    await visit.answer("mark")
    await mark


async def test_what_waits_for_too_long_is_given_up_and_its_caller_told(clients: Connect) -> None:
    client = clients(NOBODY, outbox_age=0.02)
    emitted, published = client.emit("note"), client.publish(progress(1))
    call = asyncio.create_task(client.call("question"))
    for waiting in (emitted, published, call):
        with pytest.raises(NotConnected, match=r"no connection for 0\.02 s"):
            await waiting
    assert client.health.given_up == 3
    assert len(client._outbox) == 0
    again = client.emit("note")
    with pytest.raises(NotConnected):
        await again


async def test_what_is_too_old_is_not_sent_by_the_connection_that_comes_at_last(
    peer: Peer, clients: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = clients(peer.url, outbox_age=60)
    old = client.emit("old")
    now = clock.time()
    monkeypatch.setattr(clock, "time", lambda: now + 61)
    new = client.emit("new")
    visit = await connected(client, peer)
    await visit.receive("new")
    await new
    with pytest.raises(NotConnected):
        await old


async def test_a_publication_is_not_repeated_after_the_server_forgot_its_id(
    peer: Peer, clients: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = clients(peer.url)
    visit = await connected(client, peer)
    lost = client.publish(progress(1))
    await visit.receive("publish")
    now = clock.time()
    monkeypatch.setattr(clock, "time", lambda: now + outbox.ID_WINDOW + 1)
    visit.drop()
    visit = await (await peer.visit()).accept()
    with pytest.raises(CallTimeout, match="may or may not have been published"):
        await lost
    waiting = client.publish(progress(2))
    [request] = await visit.answer("publish", accepted(2))
    assert request["data"]["progress"] == 2
    await waiting


async def test_the_file_keeps_what_waits_for_the_next_run(
    peer: Peer, clients: Connect, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = keeping(clients, NOBODY, path)
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
    assert first.health.given_up == 1, "the call, whose caller is gone"

    second = keeping(clients, peer.url, path)
    later = second.emit("later")
    visit = await connected(second, peer)
    note = await visit.receive("note")
    assert note.values() == [1, b"\x00", {"a": [b"\x01", None]}]
    [request] = await visit.answer("publish", accepted(1))
    assert (request["data"], request["room"]) == (
        {"jobId": "1", "progress": 1, "currentStep": "x", "timestamp": 1},
        "job:1",
    )
    await visit.receive("later")
    await later
    await all_answered(second, visit)
    await second.disconnect()

    third = keeping(clients, peer.url, path)
    visit = await connected(third, peer)
    await third.emit("alone")
    await visit.receive("alone")


async def test_a_publication_whose_answer_is_lost_with_the_process_keeps_its_id(
    peer: Peer, clients: Connect, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = keeping(clients, peer.url, path)
    visit = await connected(first, peer)
    published = first.publish(progress(1))
    request = (await visit.receive("publish")).values()
    await first.disconnect()
    with pytest.raises(NotConnected):
        await published
    second = keeping(clients, peer.url, path)
    visit = await connected(second, peer)
    refusal = {"ok": False, "error": {"code": "forbidden", "message": "not yours"}}
    with caplog.at_level(logging.WARNING):
        assert await visit.answer("publish", refusal) == request
        await all_answered(second, visit)
    assert "an event of an earlier run failed: not yours" in caplog.text


async def test_the_file_is_for_one_process_at_a_time(
    peer: Peer, clients: Connect, path: Path
) -> None:
    first = keeping(clients, peer.url, path)
    first.emit("note")
    second = keeping(clients, peer.url, path, reconnection=False)
    with pytest.raises(OutboxFileError, match="another process uses it"):
        second.emit("note")
    with pytest.raises(OutboxFileError):
        await second.connect()
    await connected(first, peer)
    await first.disconnect()
    second.emit("note")
    await connected(second, peer)


async def test_a_file_that_is_none(clients: Connect, path: Path) -> None:
    path.write_text("not a database" * 100)  # noqa: ASYNC240
    with pytest.raises(OutboxFileError):
        keeping(clients, NOBODY, path).emit("note")
    with pytest.raises(OutboxFileError):
        keeping(clients, NOBODY, path.parent / "missing" / "outbox.db").emit("note")
    with pytest.raises(LocalProtocolError):
        keeping(clients, NOBODY, path.parent / "other.db").emit("note", object())


async def test_a_file_that_cannot_be_written_is_told_at_once(
    peer: Peer, clients: Connect, path: Path
) -> None:
    """A full disk was tried again for the whole of `timeout`."""
    for unusable in (Path("/dev/full"), path.parent / "missing" / "outbox.db"):
        client = keeping(clients, peer.url, unusable, timeout=60.0)
        with pytest.raises(OutboxFileError):
            await asyncio.wait_for(client.connect(), 5)
        assert client.state is ConnectionState.ERROR


async def test_a_file_that_another_process_is_about_to_leave_is_waited_for(
    peer: Peer, clients: Connect, path: Path
) -> None:
    first, second = (keeping(clients, peer.url, path) for _ in range(2))
    await connected(first, peer)
    failed = asyncio.Event()
    second.on("connect_error", lambda _: failed.set())
    connecting = asyncio.create_task(second.connect())
    await failed.wait()
    await first.disconnect()
    await (await peer.visit()).accept()
    await connecting


async def test_a_damaged_file_is_told_and_keeps_what_it_has(
    peer: Peer, clients: Connect, path: Path
) -> None:
    """The second attempt connected without what waited in it, and said nothing."""
    client = keeping(clients, NOBODY, path)
    client.publish(progress(1)).add_done_callback(lambda done: done.exception())
    await client.disconnect()
    with closing(sqlite3.connect(path)) as database, database:
        damage = "UPDATE waiting SET attachments = X'C1' RETURNING number"
        assert len(database.execute(damage).fetchall()) == 1

    client = keeping(clients, peer.url, path)
    for _ in range(2):
        with pytest.raises(OutboxFileError, match="malformed"):
            await client.connect()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM waiting").fetchone() == (1,)


async def test_a_file_of_another_program_is_refused(clients: Connect, path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE waiting (customer TEXT)")
    with pytest.raises(OutboxFileError, match="no such column"):
        keeping(clients, NOBODY, path).emit("note")


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
        await asyncio.sleep(60)

    asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_killed_process_loses_and_repeats_nothing(
    url: str, server: Server, clients: Connect, path: Path
) -> None:
    token = issue_token(SECRET, "w", service=True)

    def run(address: str) -> None:
        """Publish, and be killed as soon as all of it was put."""
        command = [sys.executable, "-c", textwrap.dedent(WORKER), address, str(path), token]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGKILL)

    await asyncio.to_thread(run, NOBODY)
    await asyncio.to_thread(run, url)
    last = clients(url, token=token, outbox_file=path)
    await last.connect()
    await last.publish(JobOutput(job_id="1", chunk="end"))
    history = await server.broker.read("job:1")
    text = "".join(last.contract.decode(JobOutput, p.data).chunk for p in history.publications)
    assert text == "".join(f"{number} " for number in range(100)) + "end"
    assert history.position.offset == 101
