"""A publication is appended and its acknowledgement lost: a retry does not append it twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from longwire import WebSocketClient
from longwire.catalog import Announcement
from longwire.errors import IdempotencyConflict, InvalidId
from longwire.testing import History
from longwire.types import Position
from tests.proxy import Proxy
from tests.serving import ServerProcess

ROOM = "campaign:retries"


@pytest.fixture(params=["memory:", "sqlite"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServerProcess]:
    broker = request.param if request.param == "memory:" else f"sqlite:///{tmp_path}/log.db"
    with ServerProcess(f"--broker={broker}") as server:
        yield server


def note(message: str) -> Announcement:
    return Announcement(message=message, level="info")


async def test_a_client_that_lost_the_acknowledgement_publishes_once(
    server: ServerProcess,
) -> None:
    history, service = History(), server.token("worker", service=True)
    async with (
        Proxy(server.url) as proxy,
        WebSocketClient(server.url, token=server.token()) as reader,
        WebSocketClient(proxy.url, token=service, reconnection_delay_max=0.05) as worker,
    ):
        history.reader("reader").follow(reader, ROOM)
        await reader.join_room(ROOM)
        await history.publish(worker, note("acknowledged"), room=ROOM)
        proxy.mute()
        unanswered = [
            asyncio.create_task(history.publish(worker, note(f"unanswered {number}"), room=ROOM))
            for number in range(10)
        ]
        await history.reader("reader").reaches(ROOM, 11)
        assert not any(task.done() for task in unanswered)
        proxy.cut()
        proxy.thaw()
        await asyncio.gather(*unanswered)
        await history.publish(worker, note("after"), room=ROOM)
        await history.caught_up()
    assert history.check().applied == 12


async def test_a_repeated_http_request_publishes_once(
    server: ServerProcess,
) -> None:
    history = History()
    async with (
        Proxy(server.url) as proxy,
        WebSocketClient(server.url, token=server.token()) as reader,
    ):
        history.reader("reader").follow(reader, ROOM)
        await reader.join_room(ROOM)
        headers = {"Authorization": f"Bearer {server.token('worker', service=True)}"}
        body = {
            "event": "announcement",
            "data": {"message": "once", "level": "info"},
            "room": ROOM,
            "id": "the same",
        }
        async with httpx.AsyncClient(base_url=proxy.url, headers=headers, trust_env=False) as http:
            proxy.mute()
            attempt = history.offer(note("once"), room=ROOM, id="the same")
            unanswered = asyncio.create_task(http.post("/api/publish", json=body))
            await history.reader("reader").reaches(ROOM, 1)
            proxy.cut()
            proxy.thaw()
            with pytest.raises(httpx.TransportError):
                await unanswered
            for _ in range(3):
                answer = (await http.post("/api/publish", json=body)).json()
                history.acknowledge(attempt, Position(answer["epoch"], answer["offset"]))
            other = body | {"data": {"message": "another", "level": "info"}}
            assert (await http.post("/api/publish", json=other)).status_code == 409
        await history.caught_up()
    assert history.check().applied == 1


async def test_the_same_id_for_another_event_is_a_conflict(server: ServerProcess) -> None:
    service = server.token("worker", service=True)
    async with WebSocketClient(server.url, token=service) as worker:
        position = await worker.publish(note("once"), room=ROOM, id="taken")
        assert await worker.publish(note("once"), room=ROOM, id="taken") == position
        with pytest.raises(IdempotencyConflict):
            await worker.publish(note("another"), room=ROOM, id="taken")


@pytest.mark.parametrize("id", ["", "x" * 201], ids=["empty", "too long"])
async def test_an_invalid_id_is_rejected_and_named(running_server: ServerProcess, id: str) -> None:
    data: dict[str, Any] = {"message": "m", "level": "info"}
    body = {"event": "announcement", "data": data, "room": ROOM, "id": id}
    service = running_server.token("worker", service=True)
    async with WebSocketClient(running_server.url, token=service) as worker:
        with pytest.raises(InvalidId):
            await worker.publish(note("m"), room=ROOM, id=id)
        await worker.publish(note("m"), room=ROOM, id="x" * 200)
    single = await running_server.request("POST", "/api/publish", body)
    batch = await running_server.request("POST", "/api/publish", [body | {"id": None}, body])
    for response, field in ((single, "$.id"), (batch, "$[1].id")):
        assert response.status_code == 422
        assert (response.json()["code"], response.json()["field"]) == ("invalid_id", field)
