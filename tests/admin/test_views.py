"""The views of the admin interface on one node."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from longwire import CATALOG, Server, admin
from longwire.admin.connections import mask
from longwire.catalog import CampaignMetrics, CampaignMetricsUpdated, JobProgress
from longwire.server import Delivery
from longwire.testing import Link
from tests.admin.conftest import OPERATOR


async def get(http: httpx.AsyncClient, path: str) -> Any:
    answer = await http.get(f"/_longwire/api{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_overview_counts_what_the_node_did(
    http: httpx.AsyncClient, server: Server, link: Link
) -> None:
    client = await link.connect("ada")
    async with client.room("job:1"):
        await server.publish(JobProgress(job_id="1", progress=5, current_step="five"))
        overview = await get(http, "/overview")
    (node,) = overview["nodes"]
    assert (node["connections"], node["users"], node["signedIn"]) == (1, 1, 1)
    assert node["published"] == {"job:progress": 1}
    assert node["contract"] == CATALOG.fingerprint
    assert overview["operator"] == "root"
    assert overview["mayAct"] is True
    assert overview["samples"][node["name"]][-1]["published"] == 1
    assert overview["jobs"] == {"queued": 1}


async def test_connections_are_sorted_searched_and_limited(
    http: httpx.AsyncClient, link: Link
) -> None:
    for user in ("ada", "bob", "eve"):
        await link.connect(user)
    by_user = await get(http, "/connections?sort=-user&limit=2")
    assert [row["user"] for row in by_user["connections"]] == ["eve", "bob"]
    assert (by_user["total"], by_user["missing"]) == (3, [])
    found = await get(http, "/connections?q=BOB")
    assert [row["user"] for row in found["connections"]] == ["bob"]
    for column in found["connections"][0]:
        for direction in ("", "-"):
            page = await get(http, f"/connections?sort={direction}{column}")
            assert len(page["connections"]) == 3


@pytest.mark.parametrize(
    "query", ["sort=secret", "limit=0", "limit=501", "limit=x", "sort=-", "limit=-1"]
)
async def test_a_query_that_is_not_valid_names_what_may_be(
    http: httpx.AsyncClient, query: str
) -> None:
    answer = await http.get(f"/_longwire/api/connections?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query")
    assert "must be" in answer.json()["detail"]


async def test_a_reader_that_does_not_read_is_shown_with_its_lag(
    http: httpx.AsyncClient, server: Server, link: Link
) -> None:
    client = await link.connect("ada")
    async with client.room("campaign:7"):
        for number in range(3):
            await server.publish(_metrics(number))
        room = (await get(http, "/rooms?prefix=campaign:"))["rooms"][0]
        assert (room["readers"], room["lagging"], room["maxLag"]) == (1, 0, 0)
        # The state of a member whose transport was full while two entries came.
        await client.ping()  # the entries precede the pong
        (member,) = server.hub.rooms["campaign:7"].members.values()
        server.hub._fanout.park(member)
        member.offset -= 2
        row = (await get(http, "/connections"))["connections"][0]
        assert (row["user"], row["lag"], row["state"]) == ("ada", 2, "lagging")
        room = (await get(http, "/rooms?sort=-maxLag"))["rooms"][0]
        assert (room["name"], room["lagging"], room["maxLag"]) == ("campaign:7", 1, 2)
        (reader,) = (await get(http, "/rooms/campaign:7"))["readers"]
        assert (reader["user"], reader["lag"], reader["isLive"]) == ("ada", 2, False)
        cursor = (await get(http, f"/connections/{row['id']}"))["cursors"][0]
        assert (cursor["room"], cursor["lag"]) == ("campaign:7", 2)


async def test_a_room_shows_its_log_without_payloads(
    http: httpx.AsyncClient, server: Server
) -> None:
    await server.publish(_metrics(1))
    await server.publish(JobProgress(job_id="1", progress=5, current_step="secret"))
    await server.publish(JobProgress(job_id="1", progress=6, current_step="secret"))
    room = await get(http, "/rooms/job:1")
    assert (room["room"]["end"], room["room"]["readers"]) == (2, 0)
    (entry,) = room["entries"]
    assert (entry["first"], entry["last"], entry["event"]) == (1, 2, "job:progress")
    assert entry["payload"] is None
    assert room["isComplete"] is True
    assert "secret" not in str(room)
    later = await get(http, "/rooms/job:1?after=2")
    assert later["entries"] == []


async def test_the_application_decides_what_operators_see_of_payloads(
    server: Server, link: Link
) -> None:
    app = FastAPI()

    def redact(room: str, event: str, payload: dict[str, Any]) -> object:
        return {key: value for key, value in payload.items() if key == "progress"}

    admin.mount(app, server, authorize=lambda request: True, redact=redact)
    await server.publish(JobProgress(job_id="1", progress=5, current_step="secret"))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        (entry,) = (await get(http, "/rooms/job:1"))["entries"]
    assert entry["payload"] == {"progress": 5}


@pytest.mark.parametrize("room", ["control%20actions", "nothing"])
async def test_rooms_of_the_servers_themselves_are_not_shown(
    http: httpx.AsyncClient, room: str
) -> None:
    assert (await http.get(f"/_longwire/api/rooms/{room}")).status_code == 404


async def test_operations_are_recorded_while_an_operator_looks(
    http: httpx.AsyncClient, server: Server, link: Link
) -> None:
    client = await link.connect("ada")
    async with client.room("job:1"):
        await server.publish(JobProgress(job_id="1", progress=1, current_step="before"))
        await client.ping()
        (socket,) = server.sockets
        assert (await get(http, f"/connections/{socket.sid}"))["operations"] == []
        await server.publish(JobProgress(job_id="1", progress=2, current_step="while"))
        await client.ping()
        operations = (await get(http, f"/connections/{socket.sid}"))["operations"]
    pong, ping, progress = operations[:3]
    assert (ping["direction"], ping["event"]) == ("in", "ping")
    assert (pong["direction"], pong["event"]) == ("out", "pong")
    assert (progress["event"], progress["room"], progress["offset"]) == ("job:progress", "job:1", 2)


async def test_a_recording_ends_when_no_operator_looks(
    http: httpx.AsyncClient, server: Server, link: Link, longwire_clock: Any
) -> None:
    await link.connect("ada")
    (socket,) = server.sockets
    await get(http, f"/connections/{socket.sid}")
    assert socket.observer is not None
    await longwire_clock.advance(60)
    assert socket.observer is None


async def test_an_unknown_connection_is_not_found(http: httpx.AsyncClient) -> None:
    answer = await http.get("/_longwire/api/connections/unknown")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_connection")


async def test_jobs_are_listed_by_status_without_their_output(
    http: httpx.AsyncClient, server: Server
) -> None:
    async with server.job(owner="ada", title="Report", job_id="1") as job:
        await job.output("a long text")
        await job.progress(50, "half")
        running = await get(http, "/jobs?status=running")
    assert [row["jobId"] for row in running["jobs"]] == ["1"]
    assert "a long text" not in str(running)
    assert (await get(http, "/jobs?status=running"))["total"] == 0
    assert (await get(http, "/jobs?q=report&sort=createdAt"))["total"] == 1


async def test_contracts_and_options_show_versions_and_no_secret(
    http: httpx.AsyncClient, server: Server, link: Link
) -> None:
    await link.connect("ada")
    view = await get(http, "/contracts")
    own = next(row for row in view["versions"] if row["isServer"])
    assert own == {
        "fingerprint": CATALOG.fingerprint,
        "isServer": True,
        "connections": 1,
        "signIns": 1,
    }
    assert view["options"]["limits"]["rooms_per_socket"] == server.limits.rooms_per_socket


async def test_health_and_audit_answer(http: httpx.AsyncClient, server: Server, link: Link) -> None:
    client = await link.connect("ada")
    await client.disconnect()
    await server.announce("hello", by="root")
    async with asyncio.timeout(10):
        while not server.statistics.closed:  # noqa: ASYNC110 - the count has no event
            await asyncio.sleep(0)
    (row,) = (await get(http, "/health"))["nodes"]
    assert row["signedIn"] == 1
    assert row["closed"].keys() <= {"client_disconnect", "transport_closed"}
    (action,) = (await get(http, "/audit"))["actions"]
    assert (action["action"], action["by"]) == ("announce", "root")


async def test_a_trace_follows_a_user_also_over_a_new_connection(
    http: httpx.AsyncClient, server: Server, link: Link, longwire_clock: Any
) -> None:
    other = await link.connect("bob")
    client = await link.connect("ada")
    began = await http.post(
        "/_longwire/api/trace", json={"type": "user", "entity": "ada", "seconds": 300}
    )
    assert began.status_code == 200
    await client.join_room("job:1")
    await other.join_room("job:1")
    await server.publish(JobProgress(job_id="1", progress=5, current_step="five"))
    await client.ping()
    second = await link.connect("ada")
    await longwire_clock.advance(2)
    await second.ping()
    trace = await get(http, "/trace")
    assert (trace["isActive"], trace["type"], trace["entity"]) == (True, "user", "ada")
    ids = {socket.sid for socket in server.sockets if socket.identity.user_id == "ada"}
    assert {step["connection"] for step in trace["steps"]} == ids
    progress = next(step for step in trace["steps"] if step["event"] == "job:progress")
    assert (progress["kind"], progress["room"], progress["offset"]) == ("out", "job:1", 1)
    await longwire_clock.advance(301)
    trace = await get(http, "/trace")
    assert (trace["isActive"], trace["type"]) == (False, None)
    await longwire_clock.advance(60)
    assert {socket.observer for socket in server.sockets} == {None}


async def test_a_trace_follows_a_room_until_it_is_stopped(
    http: httpx.AsyncClient, server: Server, link: Link
) -> None:
    client = await link.connect("ada")
    await client.join_room("job:1")
    await http.post("/_longwire/api/trace", json={"type": "room", "entity": "job:1"})
    await server.publish(JobProgress(job_id="1", progress=5, current_step="five"))
    await client.ping()
    (step,) = (await get(http, "/trace"))["steps"]
    assert (step["kind"], step["offset"], step["delivered"], step["behind"]) == ("written", 1, 1, 0)
    await http.post("/_longwire/api/trace/stop", json={})
    await server.publish(JobProgress(job_id="1", progress=6, current_step="six"))
    await client.ping()
    assert len((await get(http, "/trace"))["steps"]) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"type": "user", "entity": "ada", "seconds": 301},
        {"type": "node", "entity": "ada"},
        {"type": "user", "entity": ""},
    ],
)
async def test_a_trace_is_bounded(http: httpx.AsyncClient, body: Any) -> None:
    assert (await http.post("/_longwire/api/trace", json=body)).status_code == 400
    assert (await get(http, "/trace"))["isActive"] is False


async def test_one_message_is_found_with_the_readers_that_wait_for_it(
    http: httpx.AsyncClient, server: Server, link: Link
) -> None:
    client = await link.connect("ada")
    await client.join_room("campaign:7")
    for number in range(3):
        await server.publish(_metrics(number))
    await client.ping()
    last = await get(http, "/trace?room=campaign:7&offset=3")
    assert (last["state"], last["delivered"], last["waiting"]) == ("retained", 1, [])
    first = await get(http, "/trace?room=campaign:7&offset=1")
    assert (first["state"], first["entry"]["last"]) == ("merged", 3)
    assert last["entry"]["event"] == "campaign:metrics"
    (member,) = server.hub.rooms["campaign:7"].members.values()
    server.hub._fanout.park(member)
    member.offset = 2
    last = await get(http, "/trace?room=campaign:7&offset=3")
    assert (last["delivered"], [reader["user"] for reader in last["waiting"]]) == (0, ["ada"])
    assert (await get(http, "/trace?room=campaign:7&offset=4"))["state"] == "not_yet"
    answer = await http.get("/_longwire/api/trace?room=campaign:7&offset=x")
    assert answer.json()["code"] == "invalid_query"


@pytest.fixture
def ledger(server: Server) -> None:
    """A consumer that fails, registered before the server starts."""

    @server.consumer("ledger", JobProgress, attempts=1)
    async def charge(event: JobProgress, context: Delivery) -> None:
        raise ValueError("the ledger is closed")


async def test_parked_events_are_listed_and_discarded(
    ledger: None, http: httpx.AsyncClient, server: Server
) -> None:
    await server.publish(JobProgress(job_id="1", progress=5, current_step="secret"))
    async with asyncio.timeout(10):
        while not (view := await get(http, "/consumers"))["parked"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    (parked,) = view["parked"]
    assert (parked["consumer"], parked["event"], parked["room"]) == (
        "ledger",
        "job:progress",
        "job:1",
    )
    assert "secret" not in str(view)
    assert [consumer["name"] for consumer in view["consumers"]] == ["ledger"]
    body = {"consumer": "ledger", "id": parked["id"]}
    assert (await http.post("/_longwire/api/discard", json=body)).status_code == 200
    assert (await get(http, "/consumers"))["total"] == 0
    assert (await get(http, "/audit"))["actions"][0]["action"] == "discard"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::77", "2001:db8:1::/48"),
        ("127.0.0.1", "127.0.0.1"),
        ("/run/socket", "/run/socket"),
    ],
)
def test_addresses_are_masked(address: str, shown: str) -> None:
    assert mask(address) == shown


async def test_a_client_that_is_not_an_operator_receives_problem_details(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.get("/_longwire/api/nodes", headers={"authorization": "Bearer ada"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "admin_denied"
    assert OPERATOR["authorization"] not in answer.text


def _metrics(number: int) -> CampaignMetricsUpdated:
    metrics = CampaignMetrics(impressions=1, clicks=number, conversions=0, cost=0, roi=0.0)
    return CampaignMetricsUpdated(campaign_id="7", metrics=metrics)
