"""Room membership, tokens, handlers and rules, at the wire."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from longwire import CATALOG, Identity, Server, issue_token, jwt_authenticator
from longwire.catalog import Announcement, JobCreated, JobProgress, JobStatusChanged
from longwire.errors import AuthenticationError, ConfigurationError, ContractError
from longwire.server import Limits
from longwire.testing import Link, ManualClock
from tests.server.raw_websocket import call, events, expect, is_closed, sign_in, websocket
from tests.serving import SECRET, serving


def test_a_server_requires_an_authenticator() -> None:
    with pytest.raises(ConfigurationError, match="authenticate"):
        Server(contract=CATALOG)


@pytest.mark.parametrize(
    ("room", "code"),
    [
        ("user:bob", "forbidden"),
        ("job:unknown", "forbidden"),
        ("campaign:1", "forbidden"),
        ("agent:cmo", "forbidden"),
        ("nowhere", "invalid_room"),
        ("job:", "invalid_room"),
        ("", "invalid_room"),
        ("job:a b", "invalid_room"),
        ("x" * 300, "invalid_room"),
        (7, "invalid_room"),
        (None, "invalid_room"),
        ({"__proto__": 1}, "invalid_room"),
    ],
)
async def test_rooms_are_denied_unless_a_rule_allows(
    url: str, token: str, room: object, code: str
) -> None:
    async with websocket(url) as connection:
        await sign_in(connection, token)
        answer = await call(connection, "join_room", room)
    assert (answer["ok"], answer["error"]["code"]) == (False, code)


@pytest.mark.parametrize("position", ["then", 7, {"epoch": "x"}, {"epoch": 1, "offset": 1}, []])
async def test_a_malformed_position_is_rejected(url: str, token: str, position: object) -> None:
    async with websocket(url) as connection:
        await sign_in(connection, token)
        answer = await call(connection, "join_room", "global", position)
    assert answer["error"]["code"] == "invalid_position"


async def test_a_join_with_a_number_out_of_range_is_rejected(url: str, token: str) -> None:
    async with websocket(url) as connection:
        await sign_in(connection, token)
        await connection.send('427["join_room","global",1e999]')
        [answer] = json.loads((await expect(connection, "437["))[3:])
        assert (answer["ok"], answer["room"]) == (False, None)
        assert (await call(connection, "join_room", "global"))["ok"]


async def test_a_rejected_join_without_ack_is_reported_by_an_event(url: str, token: str) -> None:
    async with websocket(url) as connection:
        await sign_in(connection, token)
        await connection.send('42["join_room","user:bob"]')
        [refusal] = await events(connection, "room_error")
    assert (refusal["room"], refusal["error"]["code"]) == ("user:bob", "forbidden")


async def test_an_application_declares_rules(server: Server, url: str, token: str) -> None:
    @server.rule("campaign:{campaign_id}")
    async def owns_campaign(identity: Identity, parameters: object) -> bool:
        return (identity.user_id, parameters) == ("ada", {"campaign_id": "9"})

    async with websocket(url) as connection:
        await sign_in(connection, token)
        assert (await call(connection, "join_room", "campaign:9"))["ok"]
        assert not (await call(connection, "join_room", "campaign:8"))["ok"]


def test_a_rule_for_an_unknown_pattern_raises(server: Server) -> None:
    with pytest.raises(ContractError, match="nowhere"):
        server.rule("nowhere:{id}")(owner_only)


async def owner_only(identity: Identity, parameters: object) -> bool:
    return False


async def test_a_job_belongs_to_its_owner(server: Server, url: str, token: str) -> None:
    await server.publish(JobCreated(job_id="1", owner="ada"))
    async with websocket(url) as owner, websocket(url) as other:
        await sign_in(owner, token)
        await sign_in(other, issue_token(SECRET, "bob"))
        assert (await call(owner, "join_room", "job:1"))["ok"]
        assert not (await call(other, "join_room", "job:1"))["ok"]


async def test_members_who_may_not_watch_a_new_job_are_removed() -> None:
    server = Server(authenticate=jwt_authenticator(SECRET), shared_jobs=True)
    async with serving(server) as url, websocket(url) as bob:
        await sign_in(bob, issue_token(SECRET, "bob"))
        assert (await call(bob, "join_room", "job:1"))["ok"]
        await server.publish(JobCreated(job_id="1", owner="ada", title="secret"))
        await server.publish(JobProgress(job_id="1", progress=1, current_step="secret step"))
        [refusal] = await events(bob, "room_error")
        assert refusal["error"]["code"] == "forbidden"
        await server.publish(Announcement(message="last", level="info"))
        assert "secret step" not in await expect(bob, '42["')


async def test_another_attempt_keeps_the_owner_and_title_by_default(
    server: Server, url: str
) -> None:
    async with server:
        await server.publish(JobCreated(job_id="1", owner="ada", title="Report"))
        await server.publish(JobCreated(job_id="1", attempt=2))
        await server.publish_data("job:created", b'{"jobId":"1","attempt":3}')
        state = await server.job_state("1")
    assert state is not None
    assert (state.owner, state.title, state.attempt) == ("ada", "Report", 3)


async def test_a_new_job_is_announced_to_its_owner(server: Server, url: str, token: str) -> None:
    async with websocket(url) as owner:
        await sign_in(owner, token)
        await server.publish(JobCreated(job_id="1", owner="ada", title="Report"))
        [created] = await events(owner, "job:created")
    assert (created["jobId"], created["title"]) == ("1", "Report")


async def test_rooms_per_socket_are_limited() -> None:
    server = Server(
        authenticate=jwt_authenticator(SECRET), shared_jobs=True, limits=Limits(rooms_per_socket=3)
    )
    async with serving(server) as url, websocket(url) as connection:
        await sign_in(connection, issue_token(SECRET, "ada"))
        assert (await call(connection, "join_room", "job:1"))["ok"]
        refused = await call(connection, "join_room", "job:2")
        assert refused["error"]["code"] == "too_many_rooms"
        assert (await call(connection, "leave_room", "job:1"))["ok"]
        assert (await call(connection, "join_room", "job:2"))["ok"]


async def test_a_token_is_replaced_in_place_only_by_one_of_the_same_user(
    url: str, token: str
) -> None:
    async with websocket(url) as connection:
        await sign_in(connection, token)
        assert (await call(connection, "auth", issue_token(SECRET, "ada")))["ok"]
        refused = await call(connection, "auth", issue_token(SECRET, "bob"))
        assert refused["error"]["code"] == "another_user"
        assert (await call(connection, "join_room", "user:ada"))["ok"]


async def test_a_token_with_fewer_rights_loses_its_rooms_at_once() -> None:
    allowed = {"campaign:1"}
    server = Server(authenticate=jwt_authenticator(SECRET))

    @server.rule("campaign:{campaign_id}")
    async def may(identity: Identity, parameters: object) -> bool:
        return bool(allowed)

    token = issue_token(SECRET, "ada")
    async with serving(server) as url, websocket(url) as connection:
        await sign_in(connection, token)
        assert (await call(connection, "join_room", "campaign:1"))["ok"]
        allowed.clear()
        await connection.send(f'42["auth","{token}"]')
        [refusal] = await events(connection, "room_error")
        assert (refusal["room"], refusal["error"]["code"]) == ("campaign:1", "forbidden")
        await events(connection, "authenticated")


async def test_the_expiry_of_a_token_is_announced_and_then_enforced(
    longwire_clock: ManualClock,
) -> None:
    ends = longwire_clock.time() + 300

    async def authenticate(token: str) -> Identity:
        return Identity(token, expires_at=ends)

    limits = Limits(token_expiry_notice=60, token_grace=10)
    async with Link(Server(authenticate=authenticate, limits=limits)) as link:
        ada = await link.connect("ada")
        received: list[tuple[str, Any]] = []
        for name in ("auth_expiring", "auth_error", "closing"):
            ada.on(name, lambda value, name=name: received.append((name, value)))

        await longwire_clock.advance(239)
        assert received == []
        await longwire_clock.advance(2)
        [(name, notice)] = received
        assert name == "auth_expiring"
        assert notice["expiresIn"] == pytest.approx(60, abs=0.5)

        await longwire_clock.advance(68)
        assert len(received) == 1, "the grace period is ten seconds"
        await longwire_clock.advance(2)
        [_, refusal, (name, closing)] = received
        assert refusal == ("auth_error", "token has expired")
        assert (closing["reason"], closing["reconnect"]) == ("token_expired", False)
        assert link.server.sockets == []


async def test_a_token_renewed_in_time_keeps_the_connection(longwire_clock: ManualClock) -> None:
    now = longwire_clock.time()
    ends = {"first": now + 300, "renewed": now + 3600}

    async def authenticate(token: str) -> Identity:
        return Identity("ada", expires_at=ends[token])

    async with Link(Server(authenticate=authenticate)) as link:
        renewing, forgetful = await link.connect("first"), await link.connect("first")
        await longwire_clock.advance(290)
        await renewing.connect("renewed")
        await longwire_clock.advance(3000)
        assert (renewing.is_connected, renewing.health.drops) == (True, 0)
        assert not forgetful.is_connected


async def test_the_error_of_an_authenticator_reaches_the_client() -> None:
    async def authenticate(token: str) -> Identity:
        raise AuthenticationError("this account is closed", "account_closed")

    async with (
        serving(Server(authenticate=authenticate)) as url,
        websocket(url) as connection,
    ):
        await connection.recv()
        await connection.send('40{"token":"x"}')
        refusal = await expect(connection, "44")
    assert refusal == '44{"message":"this account is closed","data":{"code":"account_closed"}}'


async def test_an_authenticator_that_fails_is_logged_and_rejects_the_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def authenticate(token: str) -> Identity:
        raise RuntimeError("the user database is down")

    async with (
        serving(Server(authenticate=authenticate)) as url,
        websocket(url) as connection,
    ):
        await connection.recv()
        await connection.send('40{"token":"x"}')
        refusal = await expect(connection, "44")
    assert '"code":"internal_error"' in refusal
    assert "database" not in refusal
    assert "the user database is down" in caplog.text


async def test_a_client_can_cancel_only_jobs_that_it_may_watch(
    server: Server, url: str, token: str
) -> None:
    await server.publish(JobCreated(job_id="1", owner="ada"))
    await server.publish(JobCreated(job_id="2", owner="bob"))
    async with websocket(url) as connection:
        await sign_in(connection, token)
        assert (await call(connection, "job:cancel", {"jobId": "1"}))["ok"]
        refused = await call(connection, "job:cancel", {"jobId": "2"})
        assert refused["error"]["code"] == "forbidden"
        invalid = await call(connection, "job:cancel", {"jobId": 3})
        assert (invalid["error"]["code"], invalid["error"]["path"]) == ("invalid_event", "$.jobId")
        await server.publish(JobStatusChanged(job_id="1", status="cancelled"))
        finished = await call(connection, "job:cancel", {"jobId": "1"})
        assert finished["error"]["code"] == "job_finished"


async def test_an_unknown_event_is_rejected_by_ack_or_event_error(url: str, token: str) -> None:
    async with websocket(url) as connection:
        await sign_in(connection, token)
        answer = await call(connection, "nonsense")
        assert answer["error"]["code"] == "unknown_event"
        await connection.send('42["nonsense"]')
        [report] = await events(connection, "event_error")
        assert (report["event"], report["error"]["code"]) == ("nonsense", "unknown_event")


async def test_a_handler_that_fails_is_logged_and_answered_with_internal_error(
    server: Server, url: str, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    @server.on("divide")
    async def divide(args: list[float], socket: object) -> float:
        return args[0] / args[1]

    async with websocket(url) as connection:
        await sign_in(connection, token)
        assert await call(connection, "divide", 6, 3) == 2
        failed = await call(connection, "divide", 1, 0)
    assert failed["error"]["code"] == "internal_error"
    assert "ZeroDivisionError" in caplog.text


async def test_a_handler_that_awaits_a_cancelled_future_has_failed(
    server: Server, url: str, token: str
) -> None:
    @server.on("fetch")
    async def fetch(args: list[object], socket: object) -> object:
        fetching = asyncio.ensure_future(asyncio.Event().wait())
        fetching.cancel()
        return await fetching

    async with websocket(url) as connection:
        await sign_in(connection, token)
        for _ in range(2):
            failed = await call(connection, "fetch")
            assert failed["error"] == {"code": "internal_error", "message": "the handler failed"}


async def test_an_answer_that_cannot_be_encoded_is_an_internal_error(
    server: Server, url: str, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    @server.on("describe")
    async def describe(args: list[object], socket: object) -> object:
        return object()

    async with websocket(url) as connection:
        await sign_in(connection, token)
        failed = await call(connection, "describe")
    assert failed["error"] == {"code": "internal_error", "message": "the handler failed"}
    assert "Encoding objects of type object is unsupported" in caplog.text


async def test_the_server_calls_a_client_and_receives_the_acknowledgement(
    server: Server, url: str, token: str
) -> None:
    async with websocket(url) as connection:
        await sign_in(connection, token)
        [socket] = server.sockets
        asking = asyncio.create_task(socket.call("question", {"n": 1}))
        question = await expect(connection, "42")
        ack_id = question[2 : question.index("[")]
        await connection.send(f"43{ack_id}[42]")
        assert await asking == [42]


async def test_a_shutdown_is_announced_before_the_connection_closes() -> None:
    server = Server(authenticate=jwt_authenticator(SECRET))
    async with serving(server) as url, websocket(url) as connection:
        await sign_in(connection, issue_token(SECRET, "ada"))
        await server.close()
        [closing] = await events(connection, "closing")
        assert (closing["reason"], closing["reconnect"]) == ("server_shutdown", True)
        assert closing["retryAfter"] > 0
        assert await is_closed(connection)


async def test_handlers_rules_and_authenticators_may_be_plain_functions() -> None:
    """Each call of a plain function was an internal error."""
    server = Server(authenticate=lambda token: Identity(token) if token == "ada" else None)

    @server.on("say")
    def say(args: list[Any], socket: object) -> object:
        return [*args, "back"]

    @server.on("say later")
    def say_later(args: list[Any], socket: object) -> object:
        return asyncio.sleep(0, "later")

    @server.rule("campaign:{campaign_id}")
    def allow(identity: Identity, parameters: Any) -> bool:
        return parameters["campaign_id"] == "1"

    async with serving(server) as url, websocket(url) as client, websocket(url) as stranger:
        await sign_in(client, "ada")
        assert await call(client, "say", 1) == [1, "back"]
        assert await call(client, "say later") == "later"
        assert (await call(client, "join_room", "campaign:1"))["ok"] is True
        assert (await call(client, "join_room", "campaign:2"))["error"]["code"] == "forbidden"
        await stranger.send('40{"token":"eve"}')
        assert "token_invalid" in await expect(stranger, "44{")
