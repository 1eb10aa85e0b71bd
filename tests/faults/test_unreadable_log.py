"""A temporarily unavailable log: clients get an error, and recover by themselves."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from longwire import Server, WebSocketClient, anonymous, issue_token, jwt_authenticator
from longwire.broker import MemoryBroker
from longwire.catalog import Announcement, JobCreated
from longwire.errors import BrokerUnavailable
from longwire.integrations.fastapi import mount
from longwire.testing import History
from longwire.types import Position
from tests.interop.stock_clients import node_client
from tests.server.raw_websocket import call, sign_in, websocket
from tests.serving import SECRET, serving


class PatchyBroker(MemoryBroker):
    """A broker whose `position` fails while `is_away` is set."""

    is_away = False

    def __init__(self) -> None:
        super().__init__()
        self.refused = asyncio.Event()

    async def position(self, room: str) -> Position:
        if self.is_away:
            self.refused.set()
            raise BrokerUnavailable("Redis at redis://10.0.0.7 does not answer")
        return await super().position(room)


async def test_a_stock_client_reconnects_after_a_failed_sign_in() -> None:
    broker = PatchyBroker()
    server = Server(broker=broker, authenticate=anonymous)
    async with serving(server) as url, node_client(["websocket"]) as client:
        broker.is_away = True
        await client.connect(url, None, reconnectionDelay=20, reconnectionDelayMax=50)
        await broker.refused.wait()
        assert await client.expect("disconnect") == ["transport close"]
        broker.is_away = False
        await client.expect("event", "authenticated")
        await server.publish(Announcement(message="received", level="info"))
        assert (await client.expect("event", "announcement"))[0]["message"] == "received"


async def test_a_repeated_job_creation_is_announced_once() -> None:
    server, history = Server(authenticate=anonymous, shared_jobs=True), History()
    created = JobCreated(job_id="1", title="Only one")
    async with serving(server) as url, WebSocketClient(url, token="any token") as client:
        history.reader("ada").follow(client, "global", "job:1")
        await client.join_room("global")
        await client.join_room("job:1")
        for _ in range(3):
            await history.publish(server, created, id="the same")
        announced = history.offer(created, room="global")
        history.acknowledge(announced, await server.broker.position("global"))
        await history.caught_up()
    assert history.check().applied == 2


async def test_the_reason_for_an_unavailable_log_is_only_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Regression: clients received the address of Redis, and the server logged nothing."""
    broker = PatchyBroker()
    server = Server(broker=broker, authenticate=jwt_authenticator(SECRET))
    app = FastAPI()
    mount(app, server)
    token = issue_token(SECRET, "backend", service=True)
    headers = {"authorization": f"Bearer {token}"}
    async with serving(app) as url, websocket(url) as client:
        await sign_in(client, token, positions=True)
        broker.is_away = True
        refused = await call(client, "join_room", "global")
        async with httpx.AsyncClient(base_url=url, trust_env=False, headers=headers) as http:
            request = {"event": "job:cancel", "data": {"jobId": "1"}, "volatile": True}
            problem = await http.post("/api/publish", json=request)
    assert refused["error"] == {
        "code": "broker_unavailable",
        "message": "The event log is temporarily unavailable; retry later.",
    }
    assert (problem.status_code, problem.json()["detail"]) == (503, refused["error"]["message"])
    assert "Redis at redis://10.0.0.7 does not answer" in caplog.text
