"""One suite for all stock Socket.IO clients and transports."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from longwire import CATALOG
from longwire.tokens import issue_token
from tests.interop.catalogue import SAMPLES
from tests.interop.stock_clients import FLAVOURS, LAST_TRANSPORT, StockClient
from tests.serving import SECRET, ServerProcess

pytestmark = pytest.mark.timeout(40)


@pytest.fixture(params=FLAVOURS)
async def client(request: pytest.FixtureRequest) -> AsyncIterator[StockClient]:
    async with FLAVOURS[request.param]() as client:
        yield client


@pytest.fixture
async def signed_in(client: StockClient, running_server: ServerProcess) -> StockClient:
    """A client that has signed in as ada."""
    await client.connect(running_server.url, {"token": running_server.token("ada")})
    await client.expect("event", "authenticated")
    return client


async def test_connects_and_receives_its_user_and_rooms(
    client: StockClient, running_server: ServerProcess, request: pytest.FixtureRequest
) -> None:
    await client.connect(running_server.url, {"token": running_server.token("grace")})

    socket_id, recovered = await client.expect("connect")
    assert socket_id
    assert not recovered
    [authenticated] = await client.expect("event", "authenticated")
    assert authenticated == {"userId": "grace", "rooms": ["user:grace", "global"]}
    for transport in LAST_TRANSPORT[request.node.callspec.params["client"]]:
        assert await client.expect("transport") == [transport]


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("not a token", "token_invalid"),
        (issue_token("another secret of sufficient length", "ada"), "token_invalid"),
        (issue_token(SECRET, "ada", ttl=-60), "token_expired"),
        (None, "token_missing"),
    ],
    ids=["garbage", "forged", "expired", "missing"],
)
async def test_a_bad_token_is_rejected_with_its_code(
    client: StockClient, running_server: ServerProcess, token: str | None, code: str
) -> None:
    await client.connect(running_server.url, None if token is None else {"token": token})

    message, data, tries_again = await client.expect("connect_error")

    assert isinstance(message, str)
    assert message
    assert data["code"] == code
    assert not tries_again


async def test_a_join_is_acknowledged_with_its_position(
    signed_in: StockClient, running_server: ServerProcess
) -> None:
    room = f"campaign:{uuid.uuid4()}"
    [before] = await signed_in.call("join_room", room)
    position = await running_server.publish("campaign:metrics", campaign_metrics(room), room=room)

    assert before == {
        "ok": True,
        "room": room,
        "epoch": position["epoch"],
        "offset": 0,
        "recovered": False,
    }
    assert position["offset"] == 1
    [payload] = await signed_in.expect("event", "campaign:metrics")
    assert payload["metrics"]["clicks"] == 50


async def test_a_join_without_acknowledgement_joins(
    signed_in: StockClient, running_server: ServerProcess
) -> None:
    room = f"campaign:{uuid.uuid4()}"
    await running_server.publish("campaign:metrics", campaign_metrics(room), room=room)

    await signed_in.emit("join_room", room)

    [retained] = await signed_in.expect("event", "campaign:metrics")
    assert retained["campaignId"] == room.removeprefix("campaign:")


async def test_joining_now_skips_earlier_events(
    signed_in: StockClient, running_server: ServerProcess
) -> None:
    job = str(uuid.uuid4())
    await running_server.publish("job:status", {"jobId": job, "status": "queued"})
    await signed_in.call("join_room", f"job:{job}", "now")
    await running_server.publish("job:status", {"jobId": job, "status": "running"})

    [status] = await signed_in.expect("event", "job:status")

    assert status["status"] == "running"


async def test_a_join_resumes_from_a_position(
    signed_in: StockClient, running_server: ServerProcess
) -> None:
    job = str(uuid.uuid4())
    first = await running_server.publish("job:output", {"jobId": job, "chunk": "one "})
    await running_server.publish("job:output", {"jobId": job, "chunk": "two "})
    await running_server.publish("job:output", {"jobId": job, "chunk": "three"})
    since = {"epoch": first["epoch"], "offset": first["offset"]}

    [answer] = await signed_in.call("join_room", f"job:{job}", since)

    assert answer["recovered"] is True
    assert answer["offset"] == 3
    [output] = await signed_in.expect("event", "job:output")
    assert output["chunk"] == "two three"


async def test_a_rejected_join_has_a_reason(
    signed_in: StockClient, running_server: ServerProcess
) -> None:
    [answer] = await signed_in.call("join_room", "user:another")
    assert answer["ok"] is False
    assert answer["room"] == "user:another"
    assert answer["error"]["code"] == "forbidden"
    assert answer["error"]["message"]

    await signed_in.emit("join_room", "no such room")
    [error] = await signed_in.expect("event", "room_error")
    assert error["room"] == "no such room"
    assert error["error"]["code"] == "invalid_room"


async def test_a_client_receives_nothing_from_a_room_it_left(
    signed_in: StockClient, running_server: ServerProcess
) -> None:
    left, kept = f"campaign:{uuid.uuid4()}", f"campaign:{uuid.uuid4()}"
    await signed_in.call("join_room", left)
    await signed_in.call("join_room", kept)

    [answer] = await signed_in.call("leave_room", left)
    await running_server.publish("campaign:metrics", campaign_metrics(left), room=left)
    await running_server.publish("campaign:metrics", campaign_metrics(kept), room=kept)

    assert answer["ok"] is True
    [payload] = await signed_in.expect("event", "campaign:metrics")
    assert payload["campaignId"] == kept.removeprefix("campaign:")


async def test_receives_every_event_of_the_catalogue(
    client: StockClient, running_server: ServerProcess
) -> None:
    """Each payload arrives as published, with a timestamp and without a further argument."""
    user, run = str(uuid.uuid4()), str(uuid.uuid4())
    await client.connect(running_server.url, {"token": running_server.token(user)})
    await client.expect("event", "authenticated")
    samples = {name: (own_room(room, user, run), data) for name, (room, data) in SAMPLES.items()}
    for room in dict.fromkeys(room for room, _ in samples.values()):
        [answer] = await client.call("join_room", room, "now")
        assert answer["ok"], answer

    for name, (room, data) in samples.items():
        await running_server.publish(name, own_payload(data, user, run), room=room)

    for name, (_, data) in samples.items():
        received = await client.expect("event", name)
        assert len(received) == 1, f"{name} has a trailing argument: {received}"
        assert isinstance(received[0].get("timestamp"), int)
        assert received[0] | own_payload(data, user, run) == received[0]


def test_the_samples_cover_the_catalogue() -> None:
    assert set(SAMPLES) >= set(CATALOG.events)


async def test_ping_is_answered_by_pong(signed_in: StockClient) -> None:
    await signed_in.emit("ping")

    [pong] = await signed_in.expect("event", "pong")

    assert isinstance(pong["timestamp"], int)


async def test_a_token_is_replaced_in_place(
    signed_in: StockClient, running_server: ServerProcess
) -> None:
    await signed_in.emit("auth", running_server.token("ada", ttl=7200))
    [authenticated] = await signed_in.expect("event", "authenticated")
    assert authenticated["userId"] == "ada"

    await signed_in.emit("auth", "nonsense")
    [message] = await signed_in.expect("event", "auth_error")
    assert isinstance(message, str)

    await signed_in.emit("ping")
    await signed_in.expect("event", "pong")


async def test_a_service_publishes_over_its_socket(
    client: StockClient, running_server: ServerProcess
) -> None:
    token = running_server.token("worker", service=True)
    await client.connect(running_server.url, {"token": token})
    await client.expect("event", "authenticated")
    job = str(uuid.uuid4())
    await client.call("join_room", f"job:{job}")

    [answer] = await client.call(
        "publish", {"event": "job:status", "data": {"jobId": job, "status": "running"}}
    )
    [refusal] = await client.call(
        "publish", {"event": "job:status", "data": {"jobId": job, "status": "dancing"}}
    )

    assert answer["ok"] is True
    assert (answer["room"], answer["offset"]) == (f"job:{job}", 1)
    assert refusal["ok"] is False
    assert refusal["error"]["code"] == "invalid_event"
    [status] = await client.expect("event", "job:status")
    assert status["status"] == "running"


async def test_a_user_token_may_not_publish(signed_in: StockClient) -> None:
    [answer] = await signed_in.call(
        "publish", {"event": "announcement", "data": {"message": "hello", "level": "info"}}
    )

    assert answer["ok"] is False
    assert answer["error"]["code"] == "forbidden"


async def test_a_large_history_arrives_completely(
    signed_in: StockClient, running_server: ServerProcess
) -> None:
    job = str(uuid.uuid4())
    chunks = [f"{number:04} {'x' * 2000}\n" for number in range(300)]
    await running_server.request(
        "POST",
        "/api/publish",
        [{"event": "job:output", "data": {"jobId": job, "chunk": chunk}} for chunk in chunks],
    )

    await signed_in.call("join_room", f"job:{job}")

    text = ""
    while len(text) < sum(map(len, chunks)):
        [output] = await signed_in.expect("event", "job:output")
        text += output["chunk"]
    assert text == "".join(chunks)


async def test_disconnects(signed_in: StockClient) -> None:
    await signed_in.disconnect()

    [reason] = await signed_in.expect("disconnect")

    assert "client" in reason


def campaign_metrics(room: str) -> dict[str, Any]:
    """Return a payload for a campaign's room."""
    return SAMPLES["campaign:metrics"][1] | {"campaignId": room.removeprefix("campaign:")}


def own_room(room: str, user: str, run: str) -> str:
    """Return a sample's room with the ids of this run."""
    kind, _, rest = room.partition(":")
    return {"user": f"user:{user}", "job": f"job:{run}", "campaign": f"campaign:{run}"}.get(
        kind, f"{kind}:{rest}" if rest else kind
    )


def own_payload(data: dict[str, Any], user: str, run: str) -> dict[str, Any]:
    """Return a sample's payload with the ids of this run."""
    replaced = {"jobId": run, "campaignId": run, "owner": user}
    return {key: replaced.get(key, value) for key, value in data.items()}
