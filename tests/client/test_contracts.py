"""Clients and servers with different contracts: reported on both sides, and not an error."""

from __future__ import annotations

import asyncio
import logging

import pytest

from longwire import CATALOG, Contract, Server, WebSocketClient
from longwire.catalog import JobOutput, JobProgress
from longwire.tokens import issue_token
from tests.client.conftest import Connect
from tests.client.peer import Peer, connected
from tests.serving import SECRET

WORKERS = Contract([JobProgress])


async def test_equal_contracts_are_not_reported(
    server: Server, worker: WebSocketClient, caplog: pytest.LogCaptureFixture
) -> None:
    assert worker.health.other_contract is None
    assert server.fingerprints.others == {}
    assert "contract" not in caplog.text


async def test_different_contracts_are_reported_on_both_sides_and_work(
    server: Server, url: str, token: str, clients: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    made = [clients(url, token=token, contract=WORKERS) for _ in range(2)]
    for client in made:
        await client.connect()
    assert [client.health.other_contract for client in made] == [CATALOG.fingerprint] * 2
    assert server.fingerprints.others == {WORKERS.fingerprint: 2}
    logged = [record.name for record in caplog.records if record.levelno == logging.WARNING]
    assert sorted(logged) == ["longwire.client", "longwire.client", "longwire.server"]

    known: asyncio.Queue[JobProgress] = asyncio.Queue()
    unknown: asyncio.Queue[object] = asyncio.Queue()
    made[0].on(JobProgress, known.put_nowait)
    made[0].on("job:output", unknown.put_nowait)
    await made[0].join_room("job:1")
    await server.publish(JobProgress(job_id="1", progress=5, current_step="x"))
    await server.publish(JobOutput(job_id="1", chunk="plain", timestamp=1))
    assert (await known.get()).progress == 5
    output = {"jobId": "1", "chunk": "plain", "isComplete": False, "timestamp": 1}
    assert await unknown.get() == output


async def test_a_new_token_keeps_the_report_of_a_different_contract(
    server: Server, url: str, clients: Connect
) -> None:
    client = clients(url, contract=WORKERS)
    await client.connect(issue_token(SECRET, "ada"))
    await client.connect(issue_token(SECRET, "ada", ttl=60))
    assert client.health.other_contract == CATALOG.fingerprint
    assert server.fingerprints.others == {WORKERS.fingerprint: 1}


async def test_a_different_contract_is_logged_once_and_cleared_after_an_upgrade(
    client: WebSocketClient, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    other = {"userId": "ada", "rooms": [], "contract": "0123456789abcdef"}
    socket = await connected(client, peer)
    received = asyncio.Semaphore(0)
    client.on("authenticated", lambda _: received.release())
    for _ in range(3):
        await socket.emit("authenticated", other)
        await received.acquire()
    assert client.health.other_contract == "0123456789abcdef"
    assert caplog.text.count("0123456789abcdef") == 1
    await socket.emit("authenticated", {"userId": "ada", "rooms": []})
    await received.acquire()
    assert client.health.other_contract is None
