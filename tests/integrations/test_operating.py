"""Revoking, the audit log and watchers over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from longwire import Server, WebSocketClient, issue_token, jwt_authenticator
from longwire.integrations.fastapi import mount
from longwire.server import Limits
from tests.serving import SECRET, serving


@pytest.fixture
async def url() -> AsyncIterator[str]:
    app = FastAPI()
    mount(
        app,
        Server(
            authenticate=jwt_authenticator(SECRET),
            shared_jobs=True,
            limits=Limits(revocations=2),
        ),
    )
    async with serving(app) as url:
        yield url


def http_of(url: str, user: str, *, service: bool = False) -> httpx.AsyncClient:
    token = issue_token(SECRET, user, service=service)
    headers = {"authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=url, trust_env=False, headers=headers)


@pytest.fixture
async def ops(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with http_of(url, "ops", service=True) as http:
        yield http


@pytest.fixture
async def ada(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with http_of(url, "ada") as http:
        yield http


async def test_a_service_revokes_and_reinstates(
    ops: httpx.AsyncClient, ada: httpx.AsyncClient
) -> None:
    assert (await ops.post("/api/revoke", json={"user": "ada"})).status_code == 204
    refused = await ada.get("/api/jobs")
    assert (refused.status_code, refused.json()["code"]) == (401, "token_revoked")
    assert (await ops.post("/api/reinstate", json={"user": "ada"})).status_code == 204
    assert (await ada.get("/api/jobs")).status_code == 200

    found = (await ops.get("/api/actions")).json()["actions"]
    plain = [(action["action"], action["by"], action["user"]) for action in found]
    assert plain == [("reinstate", "ops", "ada"), ("revoke", "ops", "ada")]
    assert len((await ops.get("/api/actions?limit=1")).json()["actions"]) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/revoke"), ("POST", "/api/reinstate"), ("GET", "/api/actions")],
)
async def test_users_are_refused(ada: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await ada.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "longwire token --service" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status", "code", "detail"),
    [
        ({}, 400, "invalid_request", "exactly one of user=… or token_id=…"),
        ({"user": "ada", "tokenId": "7"}, 400, "invalid_request", "got user and token_id"),
        ({"tokenId": "7", "issuedBefore": 5}, 400, "invalid_request", "pass user=…"),
        ({"user": 7}, 400, "invalid_request", "Expected `str"),
        ({"usr": "ada"}, 422, "invalid_request", "unknown member $.usr"),
    ],
)
async def test_wrong_requests_are_refused(
    ops: httpx.AsyncClient, body: object, status: int, code: str, detail: str
) -> None:
    answer = await ops.post("/api/revoke", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert detail in answer.json()["detail"]


async def test_too_many_revocations_and_a_wrong_limit_are_refused(ops: httpx.AsyncClient) -> None:
    for user in ("ada", "bob"):
        assert (await ops.post("/api/revoke", json={"user": user})).status_code == 204
    full = await ops.post("/api/revoke", json={"user": "eve"})
    assert (full.status_code, full.json()["code"]) == (409, "too_many_revocations")
    wrong = await ops.get("/api/actions?limit=0")
    assert (wrong.status_code, wrong.json()["field"]) == (400, "$.limit")


async def test_watchers_are_counted_and_named_for_services_only(
    url: str, ops: httpx.AsyncClient, ada: httpx.AsyncClient
) -> None:
    async with WebSocketClient(url, token=issue_token(SECRET, "ada")) as client:
        await client.join_room("job:a/b")
        named = (await ops.get("/api/rooms/job:a/b/watchers")).json()
        counted = (await ada.get("/api/rooms/job:a/b/watchers")).json()
    assert named == {"count": 1, "users": ["ada"], "missing": []}
    assert counted == {"count": 1, "users": [], "missing": []}
    assert (await ada.get("/api/rooms/user:bob/watchers")).status_code == 403
    assert (await ada.get("/api/rooms/nowhere/watchers")).status_code == 422
