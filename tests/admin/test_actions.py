"""Actions of operators over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from longwire import Server, admin
from longwire.catalog import JobCreated, JobStatusChanged
from longwire.testing import Link

API = "/_longwire/api"


async def test_an_operator_ends_the_connections_of_a_user(
    http: httpx.AsyncClient, server: Server, link: Link
) -> None:
    client = await link.connect("ada")
    ended = asyncio.Event()
    client.on_state_change(lambda state: client.is_connected or ended.set())
    answer = await http.post(f"{API}/disconnect", json={"user": "ada"})
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    async with asyncio.timeout(10):
        await ended.wait()
    (action,) = (await http.get(f"{API}/audit")).json()["actions"]
    assert (action["action"], action["by"], action["user"]) == ("disconnect", "root", "ada")


async def test_an_operator_revokes_announces_and_cancels(
    http: httpx.AsyncClient, server: Server
) -> None:
    await server.publish(JobCreated(job_id="1"))
    await server.publish(JobStatusChanged(job_id="1", status="running"))
    for path, body in (
        ("revoke", {"user": "bob"}),
        ("announce", {"message": "hello", "level": "warning"}),
        ("cancel", {"job": "1", "reason": "too long"}),
    ):
        answer = await http.post(f"{API}/{path}", json=body)
        assert (path, answer.status_code) == (path, 200)
    actions = (await http.get(f"{API}/audit")).json()["actions"]
    assert [action["action"] for action in actions] == ["cancel", "announce", "revoke"]
    assert {action["by"] for action in actions} == {"root"}
    state = await server.job_state("1")
    assert state is not None
    assert state.cancel_requested


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("disconnect", {}, 400),
        ("disconnect", {"usr": "ada"}, 422),
        ("disconnect", {"user": "ada", "room": "job:1"}, 400),
        ("announce", {"message": ""}, 400),
        ("cancel", {"job": "unknown"}, 404),
    ],
)
async def test_a_request_that_is_not_valid_changes_nothing(
    http: httpx.AsyncClient, server: Server, path: str, body: Any, status: int
) -> None:
    answer = await http.post(f"{API}/{path}", json=body)
    assert (answer.status_code, await server.actions()) == (status, [])


async def test_a_form_of_another_site_cannot_act(http: httpx.AsyncClient, server: Server) -> None:
    answer = await http.post(
        f"{API}/disconnect", content='{"user":"ada"}', headers={"content-type": "text/plain"}
    )
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_body")
    assert await server.actions() == []


async def test_actions_are_off_by_default(server: Server) -> None:
    app = FastAPI()
    admin.mount(app, server, authorize=lambda request: True)
    transport = httpx.ASGITransport(app=app)
    async with server, httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        for path in ("disconnect", "revoke", "announce", "cancel"):
            answer = await http.post(f"{API}/{path}", json={"user": "ada"})
            assert (answer.status_code, answer.json()["code"]) == (403, "admin_denied")
        assert await server.actions() == []
