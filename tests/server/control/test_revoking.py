"""Revoked users and tokens lose their connections and are refused."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

import httpx
import jwt
import pytest
from fastapi import FastAPI

from longwire import Server, WebSocketClient, issue_token, jwt_authenticator
from longwire.catalog import Announcement
from longwire.errors import AuthenticationError, ConfigurationError
from longwire.integrations.fastapi import mount
from longwire.server import Identity, Limits, RecoveryOptions, TooManyRevocations
from tests.server.raw_websocket import events, expect, is_closed, receive, sign_in, websocket
from tests.serving import SECRET, serving

ADA = issue_token(SECRET, "ada", token_id="a1")
ADA_AGAIN = issue_token(SECRET, "ada", token_id="a2")
BOB = issue_token(SECRET, "bob")


def make_server(**options: object) -> Server:
    return Server(authenticate=jwt_authenticator(SECRET), **options)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with make_server() as server:
        yield server


async def refusal(server: Server, token: str) -> str | None:
    """The code with which a token is refused, None if it is accepted."""
    try:
        await server.authenticate(token)
    except AuthenticationError as error:
        return error.code
    return None


async def test_a_connection_of_a_revoked_user_ends_with_the_reason(
    url: str, server: Server
) -> None:
    async with websocket(url) as ada, websocket(url) as bob:
        await sign_in(ada, ADA)
        await sign_in(bob, BOB)
        await server.revoke(user="ada")
        [closing] = await events(ada, "closing")
        assert await is_closed(ada)
        await server.publish(Announcement(message="hello", level="info"))
        await expect(bob, '42["announcement"')

    assert (closing["reason"], closing["reconnect"]) == ("token_revoked", False)


async def test_a_revoked_user_cannot_sign_in(url: str, server: Server) -> None:
    await server.revoke(user="ada")
    async with websocket(url) as ada:
        await receive(ada)
        await ada.send(f"40{json.dumps({'token': ADA})}")
        refused = json.loads((await expect(ada, "44"))[2:])
    assert refused["data"]["code"] == "token_revoked"


async def test_a_connection_cannot_be_given_a_revoked_token(url: str, server: Server) -> None:
    await server.revoke(token_id="a2")
    async with websocket(url) as ada:
        await sign_in(ada, ADA)
        await ada.send("427" + json.dumps(["auth", ADA_AGAIN]))
        answer = json.loads((await expect(ada, "437["))[3:])[0]
    assert answer["error"]["code"] == "token_revoked"


async def test_only_the_revoked_token_is_refused(server: Server) -> None:
    await server.revoke(token_id="a1")
    assert await refusal(server, ADA) == "token_revoked"
    assert await refusal(server, ADA_AGAIN) is None
    assert await refusal(server, BOB) is None


async def test_tokens_issued_before_a_time_are_refused(server: Server) -> None:
    now = time.time()
    claims = {"sub": "ada", "exp": now + 60}
    older, newer = (
        jwt.encode(claims | {"iat": now + offset}, SECRET, algorithm="HS256")
        for offset in (-10, -5)
    )
    without = jwt.encode(claims, SECRET, algorithm="HS256")
    await server.revoke(user="ada", issued_before=now - 7)
    await server.revoke(user="ada", issued_before=now - 70)  # it does not become weaker

    assert await refusal(server, older) == "token_revoked"
    assert await refusal(server, without) == "token_revoked"
    assert await refusal(server, newer) is None


async def test_signing_out_everywhere_does_not_lift_a_ban(server: Server) -> None:
    await server.revoke(user="ada")
    await server.revoke(user="ada", issued_before=time.time() - 3600)
    assert await refusal(server, ADA) == "token_revoked"


@pytest.mark.parametrize("target", [{"user": "ada"}, {"token_id": "a1"}])
async def test_a_revocation_can_be_undone(server: Server, target: dict[str, str]) -> None:
    await server.revoke(**target)
    assert await refusal(server, ADA) == "token_revoked"
    await server.reinstate(**target)
    assert await refusal(server, ADA) is None
    await server.reinstate(**target)


async def test_a_reinstated_user_may_use_old_tokens(server: Server) -> None:
    await server.revoke(user="ada")
    await server.revoke(user="ada", issued_before=time.time() + 1)
    await server.reinstate(user="ada")
    assert await refusal(server, ADA) is None


async def test_requests_over_http_are_refused() -> None:
    app = FastAPI()
    server = make_server()
    mount(app, server)
    async with (
        server,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://x",
            headers={"authorization": f"Bearer {ADA}"},
        ) as http,
    ):
        accepted = await http.get("/api/jobs")
        await server.revoke(user="ada")
        refused = await http.get("/api/jobs")
    assert accepted.status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (401, "token_revoked")


async def test_a_body_of_a_revoked_service_is_not_published() -> None:
    """The token is checked again once the body has arrived, which may take long."""
    app = FastAPI()
    server = make_server()
    mount(app, server)
    body = json.dumps({"event": "announcement", "data": {"message": "late"}}).encode()

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:10]
        await server.revoke(user="worker")
        yield body[10:]

    token = issue_token(SECRET, "worker", service=True)
    async with server, serving(app) as url, httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(
            f"{url}/api/publish",
            headers={"authorization": f"Bearer {token}"},
            content=slowly(),
        )
        position = await server.broker.position("global")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_revoked")
    assert position.offset == 0


async def test_a_client_that_is_revoked_while_it_signs_in_is_refused() -> None:
    checked, may_go_on = asyncio.Event(), asyncio.Event()

    class SlowServer(Server):
        async def authenticate(self, token: str) -> Identity:
            identity = await super().authenticate(token)
            checked.set()
            await may_go_on.wait()
            return identity

    server = SlowServer(authenticate=jwt_authenticator(SECRET), recovery=RecoveryOptions())
    async with serving(server) as url, websocket(url) as ada:
        await receive(ada)
        await ada.send(f"40{json.dumps({'token': ADA})}")
        await checked.wait()
        await server.revoke(user="ada")
        may_go_on.set()
        refused = json.loads((await expect(ada, "44"))[2:])
    assert refused["data"]["code"] == "token_revoked"


async def test_a_client_stops_and_its_publishes_are_refused(server: Server) -> None:
    async with serving(server) as url:
        calls = 0

        def token() -> str:
            nonlocal calls
            calls += 1
            return issue_token(SECRET, "worker", service=True)

        client = WebSocketClient(url, token=token, reconnection_delay=0.01)
        states: list[str] = []
        final = asyncio.Event()

        def receive_state(state: object) -> None:
            states.append(str(state))
            if client.state == "error":
                final.set()

        client.on_state_change(receive_state)
        await client.connect()
        await server.revoke(user="worker")
        async with asyncio.timeout(10):
            await final.wait()
        assert getattr(client.error, "code", None) == "token_revoked"
        assert calls <= 2  # once more, since another token might have been accepted
        await client.disconnect()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "exactly one of user=… or token_id=…; got none"),
        ({"user": "ada", "token_id": "7"}, "got user and token_id"),
        ({"issued_before": 5.0}, "got none"),
        ({"token_id": "7", "issued_before": 5.0}, "issued_before concerns the tokens of a user"),
        ({"user": ""}, "user must have 1 to 200 characters"),
        ({"user": "a" * 201}, "got 201"),
        ({"user": "ada", "issued_before": float("nan")}, "seconds since the epoch"),
        ({"user": "ada", "expires_at": float("inf")}, "seconds since the epoch"),
    ],
)
async def test_wrong_arguments_are_refused(
    server: Server, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message.replace("(", r"\(")):
        await server.revoke(**arguments)
    assert await server.actions() == []


async def test_a_revocation_ends_with_the_last_token_that_it_concerns() -> None:
    limits = Limits(revocations=2, token_lifetime=3600.0)
    async with make_server(limits=limits) as server:
        await server.revoke(user="eve", expires_at=time.time() - 1)
        await server.revoke(user="ada")
        await server.revoke(user="bob")  # takes the place of the one that has ended
        with pytest.raises(TooManyRevocations, match="raise Limits"):
            await server.revoke(user="carol")
        await server.revoke(user="bob")
        await server.reinstate(user="ada")
        await server.revoke(user="carol")

        assert await refusal(server, ADA) is None
        assert await refusal(server, BOB) == "token_revoked"


async def test_a_token_that_outlives_revocations_is_refused() -> None:
    async with make_server(limits=Limits(token_lifetime=60.0)) as server:
        assert await refusal(server, issue_token(SECRET, "ada", ttl=50)) is None
        assert await refusal(server, issue_token(SECRET, "ada", ttl=90)) == "token_invalid"


async def test_revocations_survive_a_restart_of_the_server() -> None:
    server = make_server()
    async with server:
        await server.revoke(user="ada")
    async with server:
        assert await refusal(server, ADA) == "token_revoked"
        assert await refusal(server, BOB) is None


async def test_check_revoked_is_for_requests_that_last(server: Server) -> None:
    identity = await server.authenticate(ADA)
    server.check_revoked(identity)
    await server.revoke(user="ada")
    with pytest.raises(AuthenticationError, match="revoked"):
        server.check_revoked(identity)
