"""Fifty writers count with compare-and-set, over connections and over HTTP: no count is lost."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from longwire import WebSocketClient
from longwire.catalog import BudgetUpdated
from longwire.errors import Conflict
from longwire.types import Position
from tests.redis_server import RedisServer
from tests.serving import ServerProcess

WRITERS = 50
ROUNDS = 4
ROOM = "user:ada"

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(params=["memory", "sqlite", "redis"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServerProcess]:
    if request.param == "redis":
        with RedisServer(tmp_path) as redis, ServerProcess(f"--broker={redis.url}") as server:
            yield server
        return
    broker = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/log.db"
    with ServerProcess(f"--broker={broker}") as server:
        yield server


def counter(value: float) -> BudgetUpdated:
    return BudgetUpdated(used=value, total=0.0, percentage=0.0, breakdown={})


async def test_fifty_writers_count_exactly(server: ServerProcess) -> None:
    """Each writer repeats an increment that lost, from the value that the refusal brought."""
    service = server.token("worker", service=True)

    async def increment(client: WebSocketClient) -> int:
        value, position, conflicts = 0.0, None, 0
        while True:
            try:
                await client.publish(counter(value + 1), room=ROOM, expect=position)
                return conflicts
            except Conflict as conflict:
                conflicts += 1
                current: Any = conflict.value
                value, position = current["used"], conflict.position

    async def count(client: WebSocketClient) -> int:
        return sum([await increment(client) for _ in range(ROUNDS)])

    clients = [WebSocketClient(server.url, token=service, proxy=None) for _ in range(WRITERS)]
    await asyncio.gather(*(client.connect() for client in clients))
    try:
        conflicts = await asyncio.gather(*map(count, clients))
        with pytest.raises(Conflict) as final:
            await clients[0].publish(counter(0), room=ROOM, expect=None)
    finally:
        await asyncio.gather(*(client.disconnect() for client in clients))
    current: Any = final.value.value
    assert current["used"] == WRITERS * ROUNDS
    assert sum(conflicts) > WRITERS  # they did compete


async def test_one_of_thirty_requests_wins(server: ServerProcess) -> None:
    first = await server.publish("budget:updated", data(0), room=ROOM, expect=None)
    position = {"epoch": first["epoch"], "offset": first["offset"]}
    requests = [
        {"event": "budget:updated", "data": data(number), "room": ROOM, "expect": position}
        for number in range(1, 31)
    ]
    answers = await asyncio.gather(
        *(server.request("POST", "/api/publish", request) for request in requests)
    )
    won = [answer.json() for answer in answers if answer.status_code == 200]
    lost = [answer.json() for answer in answers if answer.status_code == 409]
    assert (len(won), len(lost)) == (1, 29)
    winner = Position(won[0]["epoch"], won[0]["offset"])
    for problem in lost:
        assert problem["code"] == "conflict"
        assert Position(**problem["position"]) == winner


def data(value: float) -> dict[str, Any]:
    return {"used": value, "total": 0.0, "percentage": 0.0, "breakdown": {}}
