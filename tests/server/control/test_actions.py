"""Disconnecting and announcing, and the audit log of what operators did."""

from __future__ import annotations

import time

import pytest

from longwire import Server, issue_token
from longwire.errors import ConfigurationError, InvalidEvent
from longwire.server import Action
from tests.server.raw_websocket import call, events, expect, is_closed, sign_in, websocket
from tests.serving import SECRET


@pytest.mark.parametrize("target", ["user", "room", "connection"])
async def test_disconnecting_ends_the_connections_that_it_concerns(
    url: str, server: Server, target: str
) -> None:
    async with websocket(url) as ada, websocket(url) as bob:
        for connection, user in ((ada, "ada"), (bob, "bob")):
            await sign_in(connection, issue_token(SECRET, user))
        assert (await call(ada, "join_room", "user:ada"))["ok"]
        [socket] = [socket for socket in server.sockets if socket.identity.user_id == "ada"]
        value = {"user": "ada", "room": "user:ada", "connection": socket.sid}[target]

        await server.disconnect(**{target: value})
        [closing] = await events(ada, "closing")
        assert await is_closed(ada)
        await server.announce("hello", level="warning")
        [announcement] = await events(bob, "announcement")

    assert (closing["reason"], closing["reconnect"]) == ("server_disconnect", False)
    assert (announcement["message"], announcement["level"]) == ("hello", "warning")


async def test_a_disconnected_user_may_come_back(url: str, server: Server) -> None:
    token = issue_token(SECRET, "ada")
    async with websocket(url) as ada:
        await sign_in(ada, token)
        await server.disconnect(user="ada")
        assert await is_closed(ada)
    async with websocket(url) as ada:
        await sign_in(ada, token)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "exactly one of user=… or room=… or connection=…; got none"),
        ({"user": "ada", "room": "job:1"}, "got user and room"),
        ({"room": ""}, "room must have 1 to 200"),
    ],
)
async def test_wrong_arguments_of_disconnect_are_refused(
    server: Server, arguments: dict[str, str], message: str
) -> None:
    async with server:
        with pytest.raises(ConfigurationError, match=message):
            await server.disconnect(**arguments)


async def test_an_announcement_to_one_user(url: str, server: Server) -> None:
    async with websocket(url) as ada, websocket(url) as bob:
        for connection, user in ((ada, "ada"), (bob, "bob")):
            await sign_in(connection, issue_token(SECRET, user))
        await server.announce("for bob", user="bob")
        await server.announce("for all")
        assert '"for bob"' in await expect(bob, '42["announcement"')
        assert '"for all"' in await expect(ada, '42["announcement"')


async def test_wrong_announcements_are_refused_and_not_recorded(server: Server) -> None:
    async with server:
        with pytest.raises(ConfigurationError, match="at most one of room=… and user=…"):
            await server.announce("x", user="ada", room="global")
        with pytest.raises(ConfigurationError, match="at most 1000 characters, got 1001"):
            await server.announce("x" * 1001)
        with pytest.raises(InvalidEvent, match="level"):
            await server.announce("x", level="loud")
        assert await server.actions() == []


async def test_every_action_is_in_the_audit_log(server: Server) -> None:
    before = time.time() * 1000 - 1
    async with server:
        await server.revoke(user="ada", issued_before=5.0, by="ops")
        await server.reinstate(user="ada", by="ops")
        await server.disconnect(room="job:1", by="ops")
        await server.announce("Back in five minutes", by="ops")
        await server.record_action(Action(action="drain", by="ops", message="node 2"))
        found = await server.actions()
        newest = await server.actions(limit=2)

    assert newest == found[:2]
    assert all(before <= action.at <= time.time() * 1000 for action in found if action.at)
    plain = [(a.action, a.by, a.user or a.room or a.message) for a in found]
    assert plain == [
        ("drain", "ops", "node 2"),
        ("announce", "ops", "Back in five minutes"),
        ("disconnect", "ops", "job:1"),
        ("reinstate", "ops", "ada"),
        ("revoke", "ops", "ada"),
    ]
    assert found[-1].issued_before == 5.0


async def test_actions_with_methods_of_their_own_cannot_be_recorded(server: Server) -> None:
    async with server:
        with pytest.raises(ConfigurationError, match="its own method"):
            await server.record_action(Action(action="disconnect", by="eve", user="ada"))
        with pytest.raises(ConfigurationError, match="limit must be >= 1, got 0"):
            await server.actions(limit=0)


async def test_clients_cannot_join_the_rooms_of_the_servers(url: str, server: Server) -> None:
    async with websocket(url) as service:
        await sign_in(service, issue_token(SECRET, "worker", service=True))
        for room in ("control actions", "control revocations"):
            answer = await call(service, "join_room", room)
            assert answer["error"]["code"] == "invalid_room"
            event = {"event": "announcement", "data": {"message": "x"}, "room": room}
            assert (await call(service, "publish", event))["error"]["code"] == "invalid_room"
