"""Recovery with a private id that another client or another user has."""

from __future__ import annotations

import json
from collections.abc import Mapping

from websockets.asyncio.client import ClientConnection

from longwire import Server
from longwire.catalog import Announcement
from longwire.server import RecoveryOptions
from longwire.testing import authenticate_by_name
from tests.server.raw_websocket import call, events, expect, receive, websocket
from tests.serving import serving

HELLO = Announcement(message="hello")
CAMPAIGN = "campaign:1"


def make_server() -> Server:
    return Server(authenticate=authenticate_by_name, recovery=RecoveryOptions())


async def connect(connection: ClientConnection, token: str, **auth: object) -> dict[str, str]:
    """Sign in like a stock client; return the server's answer to CONNECT."""
    await receive(connection)
    await connection.send(f"40{json.dumps({'token': token, **auth})}")
    return json.loads((await expect(connection, "40{"))[2:])


async def cut(connection: ClientConnection) -> None:
    connection.transport.abort()
    await connection.wait_closed()


async def test_a_private_id_of_another_user_recovers_nothing() -> None:
    server = make_server()
    async with serving(server) as url:
        async with websocket(url) as client:
            ada = await connect(client, "ada")
            await server.publish(HELLO)
            _, offset = await events(client, "announcement")
            await cut(client)
        await server.publish(HELLO, room="user:ada")
        async with websocket(url) as client:
            bob = await connect(client, "bob", pid=ada["pid"], offset=offset)
            assert (bob["sid"] == ada["sid"], bob["pid"] == ada["pid"]) == (False, False)
            answer = await call(client, "ping")
            assert "timestamp" in answer
        async with websocket(url) as client:
            again = await connect(client, "ada", pid=ada["pid"], offset=offset)
            assert (again["sid"], again["pid"]) == (ada["sid"], ada["pid"])


async def test_two_connections_with_one_private_id_recover_one_client() -> None:
    server = make_server()
    async with serving(server) as url, websocket(url) as first, websocket(url) as second:
        async with websocket(url) as client:
            ada = await connect(client, "ada")
            await server.publish(HELLO)
            _, offset = await events(client, "announcement")
            await cut(client)
        for connection in (first, second):
            await receive(connection)
        for connection in (first, second):
            body = {"token": "ada", "pid": ada["pid"], "offset": offset}
            await connection.send(f"40{json.dumps(body)}")
        answer = json.loads((await expect(second, "40{"))[2:])
        assert answer["sid"] == ada["sid"]
        assert [socket.sid for socket in server.sockets] == [ada["sid"]]


async def test_missed_events_of_a_room_that_is_no_longer_allowed_are_not_sent() -> None:
    server = make_server()
    allowed = {"ada"}

    @server.rule("campaign:{campaign_id}")
    async def is_allowed(identity, parameters: Mapping[str, str]) -> bool:
        return identity.user_id in allowed

    async with serving(server) as url:
        async with websocket(url) as client:
            ada = await connect(client, "ada")
            assert (await call(client, "join_room", CAMPAIGN))["ok"]
            await server.publish(HELLO)
            _, offset = await events(client, "announcement")
            await cut(client)
        allowed.clear()
        await server.publish(HELLO, room=CAMPAIGN)
        async with websocket(url) as client:
            await receive(client)
            body = {"token": "ada", "pid": ada["pid"], "offset": offset}
            await client.send(f"40{json.dumps(body)}")
            received = [str(await receive(client))]
            while not received[-1].startswith('42["authenticated"'):
                received.append(str(await receive(client)))
            assert json.loads(next(each for each in received if each[:2] == "40")[2:]) == ada
            await server.publish(HELLO, room=CAMPAIGN)
            await server.publish(Announcement(message="goodbye"))
            received.append(await expect(client, "42["))
    assert [message for message in received if "hello" in message] == []
    assert "goodbye" in received[-1]
