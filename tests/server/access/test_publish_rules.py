"""Publish rules: what a user who is not a service may publish, over the connection and HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from msgspec import UNSET, UnsetType

from longwire import CATALOG, Contract, Event, Identity, Merge, Server, issue_token
from longwire.catalog import BudgetUpdated, JobOutput
from longwire.errors import ContractError
from longwire.integrations.fastapi import mount
from longwire.server import jwt_authenticator
from longwire.types import Latest
from tests.server.raw_websocket import call, sign_in, websocket
from tests.serving import SECRET, serving

Request = dict[str, Any]
Publish = Callable[[str, Request], Awaitable[dict[str, Any]]]
"""Publishes as a user (or as the service "backend"), and returns the answer as on the wire."""


class AssetChanged(Event, name="asset:changed", room="asset:{asset_id}", conflate=Merge()):
    asset_id: str
    title: str | UnsetType | None = UNSET


class Noted(Event, name="noted", conflate=Latest()):
    text: str


CONTRACT = CATALOG | Contract([AssetChanged, Noted], rooms=("board:{board_id}",))


@pytest.fixture
def server() -> Server:
    server = Server(contract=CONTRACT, authenticate=jwt_authenticator(SECRET))

    @server.publish_rule("asset:{asset_id}", AssetChanged)
    async def may_edit(identity: Identity, event: AssetChanged) -> bool:
        await asyncio.sleep(0)
        if event.title == "crash":
            raise RuntimeError("the database is away")
        return event.asset_id.startswith(identity.user_id)

    @server.publish_rule("board:{board_id}", Noted)
    def may_note(identity: Identity, event: Noted, parameters: Mapping[str, str]) -> bool:
        return parameters["board_id"] == identity.user_id and event.text != "no"

    @server.rule("asset:{asset_id}")
    def may_read(identity: Identity, parameters: Mapping[str, str]) -> bool:
        return not parameters["asset_id"].endswith("secret")

    return server


async def over_the_connection(url: str, user: str, request: Request) -> dict[str, Any]:
    async with websocket(url) as socket:
        await sign_in(socket, issue_token(SECRET, user, service=user == "backend"))
        return await call(socket, "publish", request)


async def over_http(url: str, user: str, body: Any) -> dict[str, Any]:
    token = issue_token(SECRET, user, service=user == "backend")
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(f"{url}/api/publish", json=body, headers=headers)
    if answer.status_code == 500:
        return {"ok": False, "error": {"code": "internal_error"}}
    if answer.status_code != 200:
        return {"ok": False, "status": answer.status_code, "error": answer.json()}
    found = answer.json()
    return {"ok": True, "all": found} if isinstance(found, list) else {"ok": True, **found}


@pytest.fixture
async def url(server: Server) -> AsyncIterator[str]:
    app = FastAPI()
    mount(app, server)
    async with serving(app) as url:
        yield url


@pytest.fixture(params=[over_the_connection, over_http], ids=["connection", "http"])
def publish(request: pytest.FixtureRequest, url: str) -> Publish:
    send: Callable[[str, str, Request], Awaitable[dict[str, Any]]] = request.param
    return lambda user, body: send(url, user, body)


def changed(asset: str, title: str | None = "New", **members: Any) -> Request:
    return {"event": "asset:changed", "data": {"assetId": asset, "title": title}, **members}


def code_of(answer: dict[str, Any]) -> str:
    assert not answer["ok"]
    code: str = answer["error"]["code"]
    return code


async def test_a_user_publishes_what_the_rule_allows(publish: Publish, server: Server) -> None:
    answer = await publish("ada", changed("ada1"))
    other = await publish("bob", changed("ada1"))
    cleared = await publish("ada", changed("ada1", None))

    assert (answer["ok"], answer["room"], answer["offset"]) == (True, "asset:ada1", 1)
    assert code_of(other) == "forbidden"
    assert "asset:ada1" in other["error"].get("message", other["error"].get("detail"))
    assert cleared["offset"] == 2
    [entry] = (await server.broker.read("asset:ada1")).publications
    assert b"title" not in entry.data


async def test_nothing_else_may_be_published(publish: Publish, server: Server) -> None:
    output = {"event": "job:output", "data": {"jobId": "1", "chunk": "x", "type": "writing"}}
    note = {"event": "noted", "data": {"text": "hi"}}
    for refused in (
        output,
        {"event": "nothing", "data": {}},
        changed("ada1", room="asset:ada2"),
        changed("ada1", room="user:ada"),
        changed("ada1", attempt=1),
        note | {"room": "board:bob"},
        note | {"room": "user:ada"},
    ):
        assert code_of(await publish("ada", refused)) == "forbidden", refused
    assert code_of(await publish("ada", note)) == "invalid_room"
    assert code_of(await publish("ada", changed("ada1") | {"data": {}})) == "invalid_event"
    assert (await publish("ada", note | {"room": "board:ada"}))["room"] == "board:ada"
    assert (await publish("backend", note | {"room": "board:bob"}))["ok"]
    assert await server.broker.rooms("asset:") == []


async def test_a_rule_that_raises_refuses(publish: Publish, server: Server) -> None:
    assert code_of(await publish("ada", changed("ada1", "crash"))) == "internal_error"

    assert await server.broker.rooms("asset:") == []


async def test_only_readers_may_compare_and_set(publish: Publish) -> None:
    """The refusal would reveal the value."""
    assert (await publish("backend", changed("ada-secret", "s")))["ok"]

    assert code_of(await publish("ada", changed("ada-secret", expect=None))) == "forbidden"
    assert (await publish("ada", changed("ada1", expect=None)))["ok"]
    conflict = await publish("ada", changed("ada1", expect=None))
    assert code_of(conflict) == "conflict"
    assert conflict["error"]["value"]["title"] == "New"
    assert (await publish("ada", changed("ada-secret", "blind")))["ok"]


async def test_ids_of_users_are_their_own(publish: Publish) -> None:
    of_ada = await publish("ada", changed("ada1", id="one"))
    of_backend = await publish("backend", changed("ada1", "Other", id="one"))
    again = await publish("ada", changed("ada1", id="one"))

    assert (of_ada["offset"], of_backend["offset"], again["offset"]) == (1, 2, 1)
    assert code_of(await publish("ada", changed("ada1", id=""))) == "invalid_id"


async def test_a_list_with_one_event_that_is_not_allowed_is_refused_whole(
    url: str, server: Server
) -> None:
    refused = await over_http(url, "ada", [changed("ada1"), changed("bob1")])
    done = await over_http(url, "ada", [changed("ada1"), changed("ada2"), changed("ada1")])

    assert (refused["status"], code_of(refused)) == (403, "forbidden")
    assert refused["error"]["field"] == "$[1]"
    assert [position["offset"] for position in done["all"]] == [1, 1, 2]
    assert await server.broker.rooms("asset:bob") == []


def test_a_rule_that_cannot_apply_is_refused_where_it_is_registered(server: Server) -> None:
    def allow(identity: Identity, event: object) -> bool:
        return True

    for pattern, events, reason in (
        ("nowhere:{id}", (AssetChanged,), "no room pattern"),
        ("board:{board_id}", (), "types of the events"),
        ("board:{board_id}", (AssetChanged,), "would never apply"),
    ):
        with pytest.raises(ContractError, match=reason):
            server.publish_rule(pattern, *events)(allow)
    server.publish_rule("job:{job_id}", JobOutput)(allow)
    server.publish_rule("user:{user_id}", BudgetUpdated)(allow)
