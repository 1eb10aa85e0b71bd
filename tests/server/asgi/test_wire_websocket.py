"""WebSocket and the upgrade to WebSocket, byte for byte."""

from __future__ import annotations

import asyncio
import contextlib
import json

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from longwire import Server, anonymous, issue_token
from longwire.engineio.server import Options
from tests.server.raw_polling import RawPolling
from tests.server.raw_websocket import SOON, expect, is_closed, receive, sign_in, websocket
from tests.serving import SECRET, serving


async def test_handshake(url: str) -> None:
    async with websocket(url) as connection:
        opening = str(await receive(connection))

    handshake = json.loads(opening.removeprefix("0"))
    assert handshake == {
        "sid": handshake["sid"],
        "upgrades": [],
        "pingInterval": 25000,
        "pingTimeout": 20000,
        "maxPayload": 1000000,
    }


@pytest.mark.parametrize("query", ["&sid=unknown", "&EIO=3", "&transport=polling"])
async def test_a_bad_handshake_is_rejected(url: str, query: str) -> None:
    address = f"{url.replace('http', 'ws', 1)}/socket.io/?"
    wanted = {"EIO": "4", "transport": "websocket"} | dict([query[1:].split("=")])
    address += "&".join(f"{key}={value}" for key, value in wanted.items())

    with pytest.raises(InvalidStatus) as refused:
        async with connect(address, proxy=None):
            pass

    assert refused.value.response.status_code == 400


async def test_a_rejected_handshake_logs_no_error_of_the_application(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(server) as url:
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"{url.replace('http', 'ws', 1)}/socket.io/?EIO=3", proxy=None):
                pass
    assert json.loads(refused.value.response.body) == {"code": 0, "message": "Transport unknown"}
    assert caplog.text == ""


async def test_another_path_is_not_found(url: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{url.replace('http', 'ws', 1)}/elsewhere", proxy=None):
            pass

    assert refused.value.response.status_code in (403, 404)


async def test_a_page_of_another_origin_cannot_connect(url: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with websocket(url, origin="http://evil.example"):
            pass

    assert refused.value.response.status_code == 403


async def test_a_page_of_the_same_origin_can_connect(url: str, token: str) -> None:
    async with websocket(url, origin=url) as connection:
        await sign_in(connection, token)


@pytest.mark.parametrize("auth", ["", "{}", '{"token":null}'])
async def test_a_missing_token_is_accepted_where_none_is_needed(auth: str) -> None:
    """A page whose storage has no token sends this."""
    async with serving(Server(authenticate=anonymous)) as url, websocket(url) as connection:
        await receive(connection)
        await connection.send("40" + auth)
        await expect(connection, '42["authenticated"')


async def test_events_and_acks(url: str, token: str) -> None:
    async with websocket(url) as connection:
        await sign_in(connection, token)

        await connection.send('420["join_room","global"]')
        ack = await expect(connection, "430[")
        await connection.send('42["ping"]')
        await expect(connection, '42["pong",{"timestamp":')

    [answer] = json.loads(ack[3:])
    assert answer["ok"] is True
    assert list(answer) == ["ok", "room", "epoch", "offset", "recovered"]


async def test_a_lone_surrogate_does_not_close_the_connection(url: str, server: Server) -> None:
    """JSON.stringify writes one for `"😀".slice(0, 1)`; the server closed the connection."""
    received: list[object] = []

    @server.on("say")
    async def say(args: list[object], socket: object) -> object:
        received.extend(args)
        return args

    async with websocket(url) as connection:
        await receive(connection)
        await connection.send('40{"token":"\\ud83d"}')
        assert "token_invalid" in await expect(connection, "44{")
        await connection.send("40" + json.dumps({"token": issue_token(SECRET, "ada")}))
        await expect(connection, '42["authenticated"')
        await connection.send('427["say","a \\ud83d","\\ud83d\\ude00"]')
        assert await expect(connection, "437[") == '437[["a \ufffd","😀"]]'
    assert received == ["a \ufffd", "😀"]


async def test_positions_follow_every_logged_event(url: str, server, token: str) -> None:
    """Only for clients that asked for positions; they join the granted rooms themselves."""
    async with websocket(url) as asking, websocket(url) as stock:
        await sign_in(stock, token)
        await receive(asking)
        await asking.send(f"40{json.dumps({'token': token, 'positions': True})}")
        await expect(asking, '42["authenticated"')
        await asking.send('420["join_room","global"]')
        await expect(asking, "430[")

        data = b'{"message":"hello","level":"info","timestamp":1}'
        await server.publish_data("announcement", data, room="global")

        with_position = json.loads((await expect(asking, '42["announcement"'))[2:])
        without = json.loads((await expect(stock, '42["announcement"'))[2:])

    assert with_position[2:] == ["1@global"]
    assert without[1:] == [{"message": "hello", "level": "info", "timestamp": 1}]
    assert with_position[:2] == without


async def test_binary_frames(url: str, server, token: str) -> None:
    @server.on("reverse")
    async def reverse(args, socket):
        return args[0][::-1]

    async with websocket(url) as connection:
        await sign_in(connection, token)
        await connection.send('451-3["reverse",{"_placeholder":true,"num":0}]')
        await connection.send(b"\x00\x01\xff")

        assert await receive(connection) == '461-3[{"_placeholder":true,"num":0}]'
        assert await receive(connection) == b"\xff\x01\x00"


@pytest.mark.parametrize(
    "message",
    [
        "abc",
        "9",
        "",
        "1",
        "2",
        '42["disconnect"]',
        "42[]",
        '4299999999999999999999["a"]',
        '451-["a",{"_placeholder":true,"num":0}]42',
        '40{"token":"again"}',
        '42/admin,["a"]',
        b"nothing announced this",
        "42" + "[" * 100_000,
    ],
)
async def test_garbage_closes_the_connection(url: str, token: str, message: str | bytes) -> None:
    async with websocket(url) as connection:
        await sign_in(connection, token)

        await connection.send(message)

        assert await is_closed(connection)


async def test_text_while_attachments_are_pending_closes(url: str, token: str) -> None:
    async with websocket(url) as connection:
        await sign_in(connection, token)
        await connection.send('451-["a",{"_placeholder":true,"num":0}]')
        await connection.send('42["ping"]')

        assert await is_closed(connection)


async def test_an_event_before_connect_closes(url: str) -> None:
    async with websocket(url) as connection:
        await receive(connection)
        await connection.send('42["ping"]')

        assert await is_closed(connection)


async def test_a_message_that_is_too_large_closes(url: str, token: str) -> None:
    async with websocket(url) as connection:
        await sign_in(connection, token)
        with contextlib.suppress(ConnectionClosed):
            await connection.send("4" + "x" * 1_000_001)

        assert await is_closed(connection)


async def test_leaving_the_namespace_keeps_the_session(url: str, token: str) -> None:
    async with websocket(url) as connection:
        await sign_in(connection, token)
        await connection.send("41")
        await connection.send(f"40{json.dumps({'token': token})}")

        await expect(connection, '42["authenticated"')


async def test_a_fragmented_message_is_one_message(url: str, token: str) -> None:
    async with websocket(url) as connection:
        await sign_in(connection, token)

        await connection.send(iter(["42", '["pi', 'ng"]']))

        await expect(connection, '42["pong"')


# The upgrade


async def test_upgrade(url: str, polling: RawPolling, token: str) -> None:
    await polling.sign_in(token)
    waiting = await polling.start_poll()
    async with websocket(url, f"&sid={polling.handshake['sid']}") as connection:
        await connection.send("2probe")
        assert await receive(connection) == "3probe"
        assert await asyncio.wait_for(waiting, SOON) == ["6"]
        await connection.send("5")
        await connection.send('42["ping"]')

        await expect(connection, '42["pong"')
        response = await polling.get()

    assert response.status_code == 400
    assert response.json()["code"] == 3


async def test_nothing_is_lost_or_duplicated_across_the_upgrade(
    url: str, server, polling: RawPolling, token: str
) -> None:
    async def announce(number: int) -> None:
        data = json.dumps({"message": str(number), "level": "info"}).encode()
        await server.publish_data("announcement", data, room="global")

    def numbers(messages: list[str]) -> list[int]:
        packets = [m for m in messages if m.startswith('42["announcement"')]
        return [int(json.loads(m[2:])[1]["message"]) for m in packets]

    await polling.sign_in(token)
    got: list[int] = []
    await announce(0)
    waiting = await polling.start_poll()
    async with websocket(url, f"&sid={polling.handshake['sid']}") as connection:
        await announce(1)
        await connection.send("2probe")
        assert await receive(connection) == "3probe"
        await announce(2)
        got += numbers(await asyncio.wait_for(waiting, SOON))
        await announce(3)
        await connection.send("5")
        await announce(4)
        while len(got) < 5:
            got += numbers([str(await receive(connection))])

    assert got == [0, 1, 2, 3, 4]


async def test_a_probe_that_sends_another_packet_is_closed_alone(
    url: str, polling: RawPolling, token: str
) -> None:
    await polling.sign_in(token)
    async with websocket(url, f"&sid={polling.handshake['sid']}") as connection:
        await connection.send('42["ping"]')
        assert await is_closed(connection)

    await polling.post('42["ping"]')
    assert await polling.expect('42["pong"')


async def test_a_second_probe_is_rejected(url: str, polling: RawPolling, token: str) -> None:
    await polling.sign_in(token)
    query = f"&sid={polling.handshake['sid']}"
    async with websocket(url, query) as first:
        await first.send("2probe")
        assert await receive(first) == "3probe"
        with contextlib.suppress(InvalidStatus, ConnectionClosed):
            async with websocket(url, query) as second:
                await second.send("2probe")
                assert await is_closed(second)

        await first.send("5")
        await first.send('42["ping"]')
        await expect(first, '42["pong"')


async def test_a_lost_probe_does_not_affect_polling(
    url: str, polling: RawPolling, token: str
) -> None:
    await polling.sign_in(token)
    async with websocket(url, f"&sid={polling.handshake['sid']}") as connection:
        await connection.send("2probe")
        assert await receive(connection) == "3probe"

    await polling.post('42["ping"]')
    assert await polling.expect('42["pong"')


async def test_members_on_both_transports_receive_the_same_packet(
    url: str, server, http: httpx.AsyncClient, token: str
) -> None:
    poller = RawPolling(http)
    await poller.sign_in(token)
    async with websocket(url) as connection:
        await sign_in(connection, token)
        data = b'{"message":"hello","level":"info"}'
        await server.publish_data("announcement", data, room="global")

        packet = await expect(connection, '42["announcement",{')
        assert await poller.expect('42["announcement",{') == packet


async def test_a_websocket_of_an_upgraded_session_is_opened_and_closed(
    url: str, polling: RawPolling, token: str
) -> None:
    """Regression: it was refused with 400, which Engine.IO's own suite does not expect."""
    await polling.sign_in(token)
    query = f"&sid={polling.handshake['sid']}"
    async with websocket(url, query) as first:
        await first.send("2probe")
        assert await receive(first) == "3probe"
        await first.send("5")
        await first.send('427["ping"]')
        await expect(first, "437[")
        async with websocket(url, query) as second:
            assert await is_closed(second)
        await first.send('428["ping"]')
        await expect(first, "438[")


async def test_the_first_subprotocol_that_a_client_offers_is_chosen(url: str) -> None:
    """Regression: none was chosen, so browsers closed the WebSocket."""
    async with websocket(url, subprotocols=["chat", "other"]) as connection:
        assert connection.subprotocol == "chat"
        assert str(await receive(connection)).startswith("0{")


async def test_short_heartbeats_are_on_time() -> None:
    """Regression: pings came on a grid of 250 ms, so that clients with short timeouts gave up."""
    server = Server(authenticate=anonymous, options=Options(ping_interval=0.05, ping_timeout=0.2))
    async with serving(server) as url, websocket(url) as connection:
        await sign_in(connection, "")
        loop = asyncio.get_running_loop()
        delays: list[float] = []
        for _ in range(10):
            began = loop.time()
            await expect(connection, "2")
            delays.append(loop.time() - began)
            await connection.send("3")
        assert min(delays) < 0.12
