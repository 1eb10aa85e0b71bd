"""What a server says of itself: ready, starting, draining, stopped, or cut off from its log."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from longwire import Server, anonymous
from longwire.broker import MemoryBroker
from longwire.errors import BrokerUnavailable
from longwire.integrations.fastapi import mount
from tests.redis_server import RedisServer
from tests.serving import ServerProcess, serving


def application(server: Server) -> FastAPI:
    app = FastAPI()
    mount(app, server)
    return app


async def ask(url: str, path: str = "/readyz") -> httpx.Response:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        return await http.get(path)


async def until_status(url: str, status: int) -> httpx.Response:
    """Ask until `/readyz` answers with this status."""
    async with asyncio.timeout(15):
        while True:
            answer = await ask(url)
            if answer.status_code == status:
                return answer
            await asyncio.sleep(0.02)


class AwayBroker(MemoryBroker):
    """Cannot be reached while `away` is set; a permanent fault with `is_permanent`."""

    def __init__(self) -> None:
        super().__init__()
        self.away: BrokerUnavailable | None = None
        self.is_silent = False

    async def start(self, receiver: Any) -> None:
        if self.away is not None:
            raise self.away
        await super().start(receiver)

    async def check(self) -> None:
        if self.is_silent:
            await asyncio.Event().wait()
        await super().check()


async def test_a_server_is_alive_and_ready() -> None:
    async with serving(application(Server(authenticate=anonymous))) as url:
        ready, live = await ask(url), await ask(url, "/livez")
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            head = await http.head("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert (live.status_code, live.json()) == (200, {"status": "ok"})
    assert ready.headers["cache-control"] == "no-store"
    assert (head.status_code, head.content) == (200, b"")


def test_the_probes_are_in_the_openapi_document() -> None:
    paths = application(Server(authenticate=anonymous)).openapi()["paths"]
    assert set(paths["/readyz"]["get"]["responses"]) == {"200", "503"}
    assert set(paths["/livez"]) == {"get"}


async def test_a_silent_broker_makes_the_server_unready_within_a_second() -> None:
    broker = AwayBroker()
    async with serving(application(Server(authenticate=anonymous, broker=broker))) as url:
        broker.is_silent = True
        answers = await asyncio.gather(*[ask(url) for _ in range(5)])
        assert (await ask(url, "/livez")).status_code == 200
        broker.is_silent = False
        await until_status(url, 200)
    for answer in answers:
        assert answer.status_code == 503
        assert answer.json()["reason"] == "broker_unavailable"
        assert answer.headers["retry-after"] == "1"


async def test_a_redis_that_stops_answering_makes_the_server_unready(tmp_path: Any) -> None:
    with RedisServer(tmp_path) as redis, ServerProcess(f"--broker={redis.url}") as node:
        assert (await ask(node.url)).status_code == 200
        redis.freeze()
        frozen = await until_status(node.url, 503)
        redis.thaw()
        await until_status(node.url, 200)
        redis.kill()
        killed = await until_status(node.url, 503)
        redis.start()
        await until_status(node.url, 200)
        live = await ask(node.url, "/livez")
    assert frozen.json()["reason"] == killed.json()["reason"] == "broker_unavailable"
    assert str(tmp_path) not in frozen.text + killed.text
    assert live.status_code == 200


async def test_a_server_waits_for_a_broker_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    """The process exited, and needed a supervisor."""
    broker = AwayBroker()
    broker.away = BrokerUnavailable("Redis at localhost does not answer")
    server = Server(authenticate=anonymous, broker=broker)
    async with serving(application(server)) as url:
        starting = await ask(url)
        polling = await ask(url, "/socket.io/?EIO=4&transport=polling")
        with pytest.raises(BrokerUnavailable, match="localhost"):
            await server.jobs()
        broker.away = None
        await server.wait_started(10)
        assert (await ask(url)).status_code == 200
        assert (await ask(url, "/socket.io/?EIO=4&transport=polling")).status_code == 200
    assert (starting.status_code, starting.json()["reason"]) == (503, "starting")
    assert (polling.status_code, polling.headers["retry-after"]) == (503, "1")
    assert "waiting for the broker" in caplog.text
    assert "localhost does not answer" in caplog.text
    assert "localhost" not in starting.text


async def test_a_server_that_waits_can_be_closed() -> None:
    broker = AwayBroker()
    broker.away = BrokerUnavailable("not there")
    server = Server(authenticate=anonymous, broker=broker)
    async with serving(application(server)) as url:
        assert (await ask(url)).status_code == 503
    assert (await server.readiness()).reason == "stopped"


async def test_waiting_ends_when_the_address_turns_out_to_be_wrong() -> None:
    broker = AwayBroker()
    broker.away = BrokerUnavailable("not there yet")
    server = Server(authenticate=anonymous, broker=broker)
    await server.start_or_wait()
    broker.away = BrokerUnavailable("rejects the password", is_permanent=True)
    with pytest.raises(BrokerUnavailable, match="rejects the password"):
        await server.wait_started(10)
    await server.close()


async def test_a_fault_that_cannot_pass_is_raised_at_once() -> None:
    broker = AwayBroker()
    broker.away = BrokerUnavailable("rejects the password", is_permanent=True)
    server = Server(authenticate=anonymous, broker=broker)
    with pytest.raises(BrokerUnavailable, match="rejects the password"):
        await server.start_or_wait()


async def test_waiting_has_an_end() -> None:
    broker = AwayBroker()
    broker.away = BrokerUnavailable("not there")
    server = Server(authenticate=anonymous, broker=broker)
    await server.start_or_wait()
    with pytest.raises(BrokerUnavailable, match="not there; gave up after"):
        await server.wait_started(0.05)
    await server.close()


async def test_a_server_may_be_asked_before_and_after_its_life() -> None:
    server = Server(authenticate=anonymous)
    assert (await server.readiness()).reason == "starting"
    async with server:
        assert (await server.readiness()).is_ready
    assert (await server.readiness()).reason == "stopped"
