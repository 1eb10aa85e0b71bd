"""The HTTP interface, used as by a backend in another language."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from longwire import CATALOG, Server, anonymous, issue_token, jwt_authenticator
from longwire.catalog import AgentStatusChanged, JobCreated, JobStatusChanged
from longwire.integrations.fastapi import mount
from longwire.server import Limits, is_signed_in

SECRET = "a secret of thirty-two bytes or more"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server(contract=CATALOG, authenticate=jwt_authenticator(SECRET)) as server:
        yield server


def interface(server: Server) -> httpx.AsyncClient:
    app = FastAPI()
    mount(app, server)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")


@pytest.fixture
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with interface(server) as client:
        yield client


def bearer(user: str, *, service: bool = False) -> dict[str, str]:
    return {"authorization": f"Bearer {issue_token(SECRET, user, service=service)}"}


SERVICE = bearer("backend", service=True)
PROGRESS = {
    "event": "job:progress",
    "data": {"jobId": "42", "progress": 50, "currentStep": "half"},
}


async def test_health_needs_no_token(http: httpx.AsyncClient) -> None:
    answer = await http.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "server": "longwire"})


async def test_publishing_an_event_returns_its_position(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/publish", json=PROGRESS, headers=SERVICE)
    body = answer.json()
    assert answer.status_code == 200
    assert (body["room"], body["offset"]) == ("job:42", 1)
    assert sorted(body) == ["epoch", "offset", "room"]


async def test_a_batch_that_creates_a_job_is_published_in_order(http: httpx.AsyncClient) -> None:
    events = [
        {"event": "job:created", "data": {"jobId": "42", "owner": "alice"}},
        {"event": "job:status", "data": {"jobId": "42", "status": "running"}},
        PROGRESS,
        {"event": "job:created", "data": {"jobId": "43", "owner": "alice"}},
    ]
    answer = await http.post("/api/publish", json=events, headers=SERVICE)
    assert [position["offset"] for position in answer.json()] == [1, 2, 3, 1]
    state = (await http.get("/api/jobs/42", headers=bearer("alice"))).json()
    assert (state["status"], state["progress"]) == ("running", 50)


async def test_a_batch_is_published_in_order(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/publish", json=[PROGRESS, PROGRESS], headers=SERVICE)
    assert [position["offset"] for position in answer.json()] == [1, 2]


async def test_a_batch_with_an_invalid_event_publishes_nothing(
    http: httpx.AsyncClient, server: Server
) -> None:
    invalid = {"event": "job:progress", "data": {"jobId": "42", "progress": 101}}
    answer = await http.post("/api/publish", json=[PROGRESS, invalid], headers=SERVICE)
    assert answer.status_code == 422
    assert answer.json()["field"] == "$[1].data.progress"
    assert await server.job_state("42") is None


async def test_the_same_id_is_appended_once(
    http: httpx.AsyncClient,
) -> None:
    request = {**PROGRESS, "id": "first"}
    answers = [await http.post("/api/publish", json=request, headers=SERVICE) for _ in range(2)]
    assert answers[0].json() == answers[1].json()


async def test_an_id_that_was_used_for_another_body_is_a_conflict(http: httpx.AsyncClient) -> None:
    await http.post("/api/publish", json={**PROGRESS, "id": "first"}, headers=SERVICE)
    other = {
        "event": "job:progress",
        "data": {"jobId": "42", "progress": 51, "currentStep": ""},
        "id": "first",
    }
    answer = await http.post("/api/publish", json=other, headers=SERVICE)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_conflict")


async def test_a_conflict_in_a_batch_names_the_event_and_does_not_stop_the_others(
    http: httpx.AsyncClient, server: Server
) -> None:
    """The error named the field of a single event, `$.id`."""
    other = {"event": "job:progress", "data": {"jobId": "42", "progress": 9, "currentStep": ""}}
    events = [{**PROGRESS, "id": "1"}, {**other, "id": "1"}, {**other, "id": "2"}]
    answer = await http.post("/api/publish", json=events, headers=SERVICE)
    assert (answer.status_code, answer.json()["field"]) == (409, "$[1].id")
    assert (await server.broker.position("job:42")).offset == 2


def agent(job: str, **members: object) -> dict[str, Any]:
    data = {"agentType": "cmo", "status": "busy", "currentJob": job, "timestamp": 1}
    return {"event": "agent:status", "data": data} | members


async def test_one_of_thirty_concurrent_compare_and_sets_succeeds(
    http: httpx.AsyncClient,
) -> None:
    first = (await http.post("/api/publish", json=agent("0", expect=None), headers=SERVICE)).json()
    expected = {"epoch": first["epoch"], "offset": first["offset"]}
    answers = await asyncio.gather(
        *(
            http.post("/api/publish", json=agent(str(n), expect=expected), headers=SERVICE)
            for n in range(1, 31)
        )
    )
    (winner,) = (answer for answer in answers if answer.status_code == 200)
    problems = [answer.json() for answer in answers if answer is not winner]
    position = {name: winner.json()[name] for name in ("epoch", "offset")}
    value = agent(str(answers.index(winner) + 1))["data"]
    assert [problem["status"] for problem in problems] == [409] * 29
    assert all(problem["code"] == "conflict" for problem in problems)
    assert all(problem["room"] == "agent:cmo" for problem in problems)
    assert all((problem["position"], problem["value"]) == (position, value) for problem in problems)


async def test_a_stale_attempt_is_a_conflict_that_names_the_current_one(
    http: httpx.AsyncClient,
) -> None:
    created = {"event": "job:created", "data": {"jobId": "42", "title": "T"}, "attempt": "next"}
    for attempt in (1, 2):
        answer = await http.post("/api/publish", json=created, headers=SERVICE)
        assert (answer.status_code, answer.json()["attempt"]) == (200, attempt)
    late = await http.post("/api/publish", json=PROGRESS | {"attempt": 1}, headers=SERVICE)
    problem = late.json()
    assert (late.status_code, problem["code"], problem["attempt"]) == (409, "stale_attempt", 2)
    assert late.headers["content-type"] == "application/problem+json"


async def test_a_conflict_in_a_batch_has_the_position_of_the_current_value(
    http: httpx.AsyncClient,
) -> None:
    batch = [agent("1", expect=None), agent("2", expect=None)]
    answer = await http.post("/api/publish", json=batch, headers=SERVICE)
    problem = answer.json()
    assert (answer.status_code, problem["field"], problem["code"]) == (409, "$[1]", "conflict")
    assert (problem["position"]["offset"], problem["value"]) == (1, batch[0]["data"])


@pytest.mark.parametrize("members", [{"attempt": 1}, {"expect": None, "volatile": True}])
async def test_a_batch_with_an_impossible_condition_publishes_nothing(
    http: httpx.AsyncClient, server: Server, members: dict[str, Any]
) -> None:
    batch = [agent("1"), agent("2", **members)]
    answer = await http.post("/api/publish", json=batch, headers=SERVICE)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "invalid_configuration")
    assert problem["field"] == "$[1]"
    assert (await server.broker.position("agent:cmo")).offset == 0


async def test_an_unknown_member_of_a_request_to_cancel_is_named(
    http: httpx.AsyncClient, server: Server
) -> None:
    await server.publish(JobCreated(job_id="42"))
    answer = await http.post("/api/jobs/42/cancel", json={"raeson": "enough"}, headers=SERVICE)
    assert (answer.status_code, answer.json()["field"]) == (422, "$.raeson")
    assert (await server.broker.position("job:42")).offset == 1


async def test_a_body_that_is_not_utf8_is_rejected(http: httpx.AsyncClient) -> None:
    """This was an internal error."""
    answer = await http.post("/api/publish", content=b'{"event":"\xff","data":{}}', headers=SERVICE)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_a_lone_surrogate_is_published_as_a_replacement_character(
    http: httpx.AsyncClient, server: Server
) -> None:
    """JavaScript writes one for text cut inside an emoji; the error was "not JSON: … truncated"."""
    body = b'{"event":"job:output","data":{"jobId":"42","chunk":"caf\xc3\xa9 \\ud83d"}}'
    answer = await http.post("/api/publish", content=body, headers=SERVICE)
    assert answer.status_code == 200
    state = await server.job_state("42")
    assert state is not None
    assert state.text == "café \ufffd"


async def test_a_body_that_never_ends_times_out() -> None:
    """It was read for as long as the client sent bytes."""

    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.05)

    limits = Limits(body_timeout=0.2)
    server = Server(authenticate=jwt_authenticator(SECRET), limits=limits)
    async with server, interface(server) as http:
        answer = await http.post("/api/publish", content=drip(), headers=SERVICE)
    assert (answer.status_code, answer.json()["code"]) == (408, "request_timeout")


@pytest.mark.parametrize("path", ["/healthz", "/api/jobs", "/api/jobs/42", "/api/rooms?prefix=job"])
async def test_get_routes_also_answer_head(
    http: httpx.AsyncClient, server: Server, path: str
) -> None:
    """Load balancers check the health that way, and got 405."""
    await server.publish(JobCreated(job_id="42"))
    got, asked = [await http.request(method, path, headers=SERVICE) for method in ("GET", "HEAD")]
    assert (
        (asked.status_code, asked.headers) == (got.status_code, got.headers) == (200, got.headers)
    )


async def test_the_openapi_document_lists_only_get(server: Server) -> None:
    app = FastAPI()
    mount(app, server)
    assert set(app.openapi()["paths"]["/healthz"]) == {"get"}


BAD_BODIES: dict[str, tuple[Any, int, str, str | None]] = {
    "not JSON": (b"{", 400, "invalid_request", "$"),
    "an empty body": (b"", 400, "invalid_request", "$"),
    "a number": (b"1", 400, "invalid_request", "$"),
    "no event": (b'{"data": {}}', 400, "invalid_request", "$.event"),
    "no data": (b'{"event": "job:progress"}', 400, "invalid_request", "$.data"),
    "a batch with an incomplete event": (b'[{"event": "x"}]', 400, "invalid_request", "$[0].data"),
    "an event that is not text": (b'{"event": 1, "data": {}}', 400, "invalid_request", "$.event"),
    "an unknown event": (b'{"event": "nope", "data": {}}', 422, "unknown_event", "$.event"),
    "a value out of range": (
        b'{"event": "job:progress", "data": {"jobId": "1", "progress": 101, "currentStep": ""}}',
        422,
        "invalid_event",
        "$.data.progress",
    ),
    "a room that matches no pattern": (
        b'{"event": "announcement", "data": {"message": "m"}, "room": "nowhere"}',
        422,
        "invalid_room",
        "$.room",
    ),
    "an event that needs a room": (
        (
            b'{"event": "budget:warning", "data": {"threshold": 80, "message": "m",'
            b' "currentUsage": 80}}'
        ),
        422,
        "invalid_room",
        "$.room",
    ),
    "an unknown member": (
        b'{"event": "x", "data": {}, "idd": "1"}',
        422,
        "invalid_request",
        "$.idd",
    ),
    "a batch with an unknown member": (
        b'[{"event": "x", "data": {}}, {"event": "x", "data": {}, "rooom": ""}]',
        422,
        "invalid_request",
        "$[1].rooom",
    ),
    "deeply nested": (b"[" * 200_000, 400, "invalid_request", "$[0]"),
    "too large": (b" " * 1_000_001, 413, "payload_too_large", None),
}


@pytest.mark.parametrize("kind", sorted(BAD_BODIES))
async def test_a_bad_body_gets_a_problem_that_names_the_field(
    http: httpx.AsyncClient, kind: str
) -> None:
    body, status, code, field = BAD_BODIES[kind]
    answer = await http.post("/api/publish", content=body, headers=SERVICE)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem.get("field")) == (status, code, field)
    assert problem["status"] == status
    assert problem["detail"]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "token_missing"),
        ({"authorization": "Basic abc"}, 401, "token_missing"),
        ({"authorization": "Bearer nonsense"}, 401, "token_invalid"),
        (bearer("alice"), 403, "forbidden"),
    ],
)
async def test_only_services_publish(
    http: httpx.AsyncClient, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await http.post("/api/publish", json=PROGRESS, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_an_anonymous_server_needs_no_token() -> None:
    async with interface(Server(authenticate=anonymous, shared_jobs=True)) as client:
        assert (await client.get("/api/jobs")).json() == {"jobs": []}


async def test_a_job_is_visible_to_its_owner_only(http: httpx.AsyncClient, server: Server) -> None:
    await server.publish(JobCreated(job_id="42", owner="alice", title="Report"))
    await server.publish(JobStatusChanged(job_id="42", status="running"))
    await http.post("/api/publish", json=PROGRESS, headers=SERVICE)
    state = (await http.get("/api/jobs/42", headers=bearer("alice"))).json()
    assert (state["jobId"], state["status"], state["progress"]) == ("42", "running", 50)
    jobs = (await http.get("/api/jobs", headers=bearer("alice"))).json()["jobs"]
    assert [job["title"] for job in jobs] == ["Report"]
    assert (await http.get("/api/jobs", headers=bearer("bob"))).json() == {"jobs": []}
    assert (await http.get("/api/jobs/42", headers=bearer("bob"))).status_code == 404


async def test_the_list_of_rooms_has_those_that_the_user_may_join(
    http: httpx.AsyncClient, server: Server
) -> None:
    await server.publish(AgentStatusChanged(agent_type="cmo", status="ready"))
    await server.publish(AgentStatusChanged(agent_type="seo_writer", status="busy"))

    async def listed(prefix: str, user: str) -> list[str]:
        answer = await http.get("/api/rooms", params={"prefix": prefix}, headers=bearer(user))
        return answer.json()["rooms"]

    assert await listed("agent:", "alice") == []
    server.rule("agent:{agent_type}")(is_signed_in)
    assert await listed("agent:", "alice") == ["agent:seo_writer", "agent:cmo"]
    assert await listed("agent:c", "alice") == ["agent:cmo"]
    assert await listed("campaign:", "alice") == []


async def test_listing_rooms_requires_a_token_and_a_prefix(http: httpx.AsyncClient) -> None:
    assert (await http.get("/api/rooms?prefix=agent:")).status_code == 401
    answer = await http.get("/api/rooms", headers=bearer("alice"))
    assert (answer.status_code, answer.json()["field"]) == (400, "$.prefix")


async def test_cancelling_publishes_a_request_and_a_finished_job_is_a_conflict(
    http: httpx.AsyncClient, server: Server
) -> None:
    await server.publish(JobCreated(job_id="42", owner="alice"))
    cancel = "/api/jobs/42/cancel"
    assert (await http.post(cancel, headers=bearer("bob"))).status_code == 404
    answer = await http.post(cancel, json={"reason": "enough"}, headers=bearer("alice"))
    assert (answer.status_code, answer.json()["room"]) == (202, "job:42")
    await server.publish(JobStatusChanged(job_id="42", status="cancelled"))
    answer = await http.post(cancel, headers=bearer("alice"))
    assert (answer.status_code, answer.json()["code"]) == (409, "job_finished")
    missing = await http.post("/api/jobs/nope/cancel", headers=bearer("alice"))
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_job")
