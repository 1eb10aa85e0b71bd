"""Conditions of a publication at the wire: `expect`, `attempt`, and unknown members."""

from typing import Any

import pytest

from longwire import Server, issue_token
from longwire.types import Position
from tests.server.raw_websocket import call, sign_in, websocket
from tests.serving import SECRET


def budget(amount: float, **members: object) -> dict[str, Any]:
    data: dict[str, Any] = {
        "used": amount,
        "total": 100.0,
        "percentage": amount,
        "breakdown": {},
        "timestamp": 1,
    }
    return {"event": "budget:updated", "data": data, "room": "user:ada"} | members


def created(**members: object) -> dict[str, Any]:
    return {"event": "job:created", "data": {"jobId": "1", "title": "T", "timestamp": 1}} | members


def output(text: str, **members: object) -> dict[str, Any]:
    data = {"jobId": "1", "chunk": text, "isComplete": False, "timestamp": 1}
    return {"event": "job:output", "data": data} | members


class Worker:
    """A service that publishes over a raw WebSocket."""

    def __init__(self, url: str) -> None:
        self._opening = websocket(url)

    async def __aenter__(self) -> "Worker":
        self._socket = await self._opening.__aenter__()
        await sign_in(self._socket, issue_token(SECRET, "worker", service=True))
        return self

    async def __aexit__(self, *exc_info: Any) -> None:
        await self._opening.__aexit__(*exc_info)

    async def publish(self, request: dict[str, Any]) -> dict[str, Any]:
        return await call(self._socket, "publish", request)

    async def call(self, event: str, *args: object) -> dict[str, Any]:
        return await call(self._socket, event, *args)


async def test_the_value_at_the_expected_position_is_replaced(url: str) -> None:
    async with Worker(url) as worker:
        first = await worker.publish(budget(10, expect=None))
        assert first["ok"]
        position = {"epoch": first["epoch"], "offset": first["offset"]}
        second = await worker.publish(budget(20, expect=position))
        assert (second["ok"], second["offset"]) == (True, 2)
        late = await worker.publish(budget(30, expect=position))
        absent = await worker.publish(budget(40, expect=None))
    assert late == absent
    assert (late["ok"], late["room"]) == (False, "user:ada")
    assert late["error"] == {
        "code": "conflict",
        "message": late["error"]["message"],
        "position": {"epoch": first["epoch"], "offset": 2},
        "value": budget(20)["data"],
    }


async def test_a_conflict_with_nothing_has_neither_position_nor_value(url: str) -> None:
    async with Worker(url) as worker:
        answer = await worker.publish(budget(1, expect={"epoch": "gone", "offset": 7}))
    assert set(answer["error"]) == {"code", "message"}
    assert (answer["error"]["code"], answer["room"]) == ("conflict", "user:ada")


async def test_an_attempt_is_claimed_once_and_fences_the_one_before(
    url: str, server: Server
) -> None:
    async with Worker(url) as worker:
        assert (await worker.publish(created(attempt="next", id="a")))["attempt"] == 1
        assert (await worker.publish(created(attempt="next", id="a")))["attempt"] == 1
        assert (await worker.publish(output("[A]", attempt=1)))["attempt"] == 1
        assert (await worker.publish(created(attempt=2)))["attempt"] == 2
        refused = await worker.publish(created(attempt=2))
        late = await worker.publish(output("[late]", attempt=1))
        await worker.publish(output("[B]", attempt=2))
    for answer in (refused, late):
        assert answer["error"]["code"] == "stale_attempt"
        assert answer["error"]["attempt"] == 2
    state = await server.job_state("1")
    assert state is not None
    assert (state.attempt, state.text) == (2, "[B]")


async def test_nothing_is_appended_to_an_attempt_that_ended(url: str) -> None:
    status = {"jobId": "1", "status": "cancelled", "timestamp": 1}
    async with Worker(url) as worker:
        await worker.publish(created(attempt=1))
        await worker.publish({"event": "job:status", "data": status, "attempt": 1})
        answer = await worker.publish(output("late", attempt=1))
    assert answer["error"]["code"] == "job_ended"


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"idd": "once"}, "$.idd"),
        ({"Expect": None}, "$.Expect"),
        ({"expect": {"epoch": "e", "offset": 1, "room": "user:ada"}}, "$.expect.room"),
    ],
)
async def test_an_unknown_member_is_refused_and_named(
    url: str, server: Server, members: dict[str, Any], path: str
) -> None:
    async with Worker(url) as worker:
        answer = await worker.publish(budget(10, **members))
    assert (answer["ok"], answer["error"]["code"]) == (False, "invalid_request")
    assert answer["error"]["path"] == path
    assert path in answer["error"]["message"]
    assert await server.broker.position("user:ada") == Position("", 0)


async def test_an_unknown_member_of_a_position_is_refused_and_named(url: str) -> None:
    async with Worker(url) as worker:
        since = {"epoch": "e", "offset": 0, "ofset": 3}
        answer = await worker.call("join_room", "user:worker", since)
    assert answer["error"]["code"] == "invalid_position"
    assert "`ofset`" in answer["error"]["message"]


@pytest.mark.parametrize("attempt", [0, -1, 2**31, "last", 1.5, True])
async def test_an_attempt_that_is_no_number_is_refused(url: str, attempt: object) -> None:
    async with Worker(url) as worker:
        answer = await worker.publish(created(attempt=attempt))
    assert answer["error"]["code"] == "invalid_event"
    assert "$.attempt" in answer["error"]["message"]


@pytest.mark.parametrize("members", [{"expect": None}, {"attempt": 1}])
async def test_a_volatile_event_has_no_condition(url: str, members: dict[str, Any]) -> None:
    async with Worker(url) as worker:
        answer = await worker.publish(output("x", volatile=True, **members))
    assert answer["error"]["code"] == "invalid_configuration"
