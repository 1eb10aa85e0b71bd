"""Long-polling, byte for byte. Pings are 25 s apart, so no session below is closed by one."""

from __future__ import annotations

import asyncio
import base64
import json

import httpx
import pytest

from tests.server.raw_polling import SEPARATOR, RawPolling


async def test_handshake(polling: RawPolling) -> None:
    response = await polling.open()

    assert polling.handshake == {
        "sid": polling.handshake["sid"],
        "upgrades": ["websocket"],
        "pingInterval": 25000,
        "pingTimeout": 20000,
        "maxPayload": 1000000,
    }
    assert len(polling.handshake["sid"]) >= 20
    assert response.headers["content-type"].lower() == "text/plain; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"


async def test_the_path_needs_no_trailing_slash(http: httpx.AsyncClient) -> None:
    response = await http.get("/socket.io", params={"EIO": "4", "transport": "polling"})

    assert response.status_code == 200
    assert response.text.startswith('0{"sid"')


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ({"EIO": "4", "transport": "carrier-pigeon"}, 0, "Transport unknown"),
        ({"EIO": "4"}, 0, "Transport unknown"),
        ({"EIO": "4", "transport": "polling", "sid": "unknown"}, 1, "Session ID unknown"),
        ({"EIO": "4", "transport": "polling", "sid": "__proto__"}, 1, "Session ID unknown"),
        ({"EIO": "4", "transport": "websocket"}, 3, "Bad request"),
        ({"EIO": "3", "transport": "polling"}, 5, "Unsupported protocol version"),
        ({"EIO": "abc", "transport": "polling"}, 5, "Unsupported protocol version"),
        ({"transport": "polling"}, 5, "Unsupported protocol version"),
    ],
)
async def test_a_bad_request_gets_its_code(
    http: httpx.AsyncClient, query: dict[str, str], code: int, message: str
) -> None:
    response = await http.get("/socket.io/", params=query)

    assert response.status_code == 400
    assert response.headers["content-type"].startswith("application/json")
    assert response.json() == {"code": code, "message": message}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_only_a_get_opens_a_session(http: httpx.AsyncClient, method: str) -> None:
    response = await http.request(
        method, "/socket.io/", params={"EIO": "4", "transport": "polling"}
    )

    assert response.status_code == 400
    assert response.json() == {"code": 2, "message": "Bad handshake method"}


async def test_connect_authenticates(polling: RawPolling, token: str) -> None:
    packets = await polling.sign_in(token)

    assert packets[0].startswith('40{"sid":')
    connected = json.loads(packets[0][2:])
    assert set(connected) == {"sid"}
    assert connected["sid"] != polling.handshake["sid"]
    assert packets[1] == '42["authenticated",{"userId":"ada","rooms":["user:ada","global"]}]'


async def test_a_post_is_answered_ok(polling: RawPolling, token: str) -> None:
    await polling.sign_in(token)

    response = await polling.post('42["ping"]')

    assert (response.status_code, response.text) == (200, "ok")


async def test_packets_of_one_post_are_handled_in_order(polling: RawPolling, token: str) -> None:
    """A body may contain more than 16 packets."""
    await polling.sign_in(token)

    await polling.post(*(f'42{id}["leave_room","global"]' for id in range(40)))

    acks: list[str] = []
    while len(acks) < 40:
        acks += await polling.poll()
    assert [ack.partition("[")[0] for ack in acks] == [f"43{id}" for id in range(40)]


async def test_a_chunked_body_is_read(polling: RawPolling, token: str) -> None:
    await polling.sign_in(token)

    async def chunks():
        for character in '42["ping"]':
            yield character.encode()

    response = await polling.post(content=chunks())

    assert response.text == "ok"
    assert await polling.expect('42["pong",')


async def test_binary_data_is_sent_as_base64(polling: RawPolling, server, token: str) -> None:
    @server.on("reverse")
    async def reverse(args, socket):
        return args[0][::-1]

    await polling.sign_in(token)

    blob = base64.b64encode(b"\x00\x01\xff").decode()
    await polling.post('451-7["reverse",{"_placeholder":true,"num":0}]', f"b{blob}")

    packets = await polling.poll()
    if len(packets) == 1:
        packets += await polling.poll()
    reversed_blob = base64.b64encode(b"\xff\x01\x00").decode()
    assert packets == ['461-7[{"_placeholder":true,"num":0}]', f"b{reversed_blob}"]


async def test_a_body_that_is_too_large_is_rejected(polling: RawPolling, token: str) -> None:
    await polling.sign_in(token)

    response = await polling.post("4" + "x" * 1_000_000)

    assert response.status_code == 413


async def test_a_chunked_body_that_is_too_large_is_rejected(
    polling: RawPolling, token: str
) -> None:
    await polling.sign_in(token)

    async def chunks():
        for _ in range(11):
            yield b"4" * 100_000

    try:
        response = await polling.post(content=chunks())
    except (httpx.WriteError, httpx.RemoteProtocolError):
        return  # cut off in the middle of the body
    assert response.status_code == 413


async def test_binary_content_type_is_a_bad_request(polling: RawPolling, token: str) -> None:
    await polling.sign_in(token)

    response = await polling.post(
        '42["ping"]', headers={"Content-Type": "application/octet-stream"}
    )

    assert response.status_code == 400


async def test_a_poll_waits_for_packets(polling: RawPolling, token: str) -> None:
    await polling.sign_in(token)
    waiting = await polling.start_poll()

    await polling.post('42["ping"]')

    [packet] = await waiting
    assert packet.startswith('42["pong",{"timestamp":')


async def test_two_polls_at_once_end_the_session(polling: RawPolling, token: str) -> None:
    await polling.sign_in(token)
    first = asyncio.create_task(polling.get())
    second = asyncio.create_task(polling.get())

    texts = {(r.status_code, r.text) for r in await asyncio.gather(first, second)}

    assert (200, "1") in texts
    assert {status for status, _ in texts} == {200, 400}
    assert await polling.is_closed()


async def test_two_posts_at_once_end_the_session(polling: RawPolling, token: str) -> None:
    await polling.sign_in(token)
    started, finish = asyncio.Event(), asyncio.Event()

    async def slow_body():
        yield b'42["ping"'
        started.set()
        await finish.wait()
        yield b"]"

    first = asyncio.create_task(polling.post(content=slow_body()))
    await started.wait()
    await polling.post()  # a round trip, after which the first request is being read
    second = await polling.post('42["ping"]')
    finish.set()

    await asyncio.gather(first, return_exceptions=True)
    assert second.status_code == 400
    assert await polling.is_closed()


async def test_an_aborted_poll_ends_the_session(
    polling: RawPolling, http: httpx.AsyncClient, token: str
) -> None:
    await polling.sign_in(token)
    with pytest.raises(httpx.ReadTimeout):
        await http.get(polling.path, params=polling.query, timeout=0.2)

    async with asyncio.timeout(5):
        while (response := await polling.post('42["ping"]')).status_code == 200:
            pass
    assert response.json()["code"] == 1


async def test_closing_the_session_answers_the_pending_poll(
    polling: RawPolling, token: str
) -> None:
    await polling.sign_in(token)
    waiting = await polling.start_poll()

    response = await polling.post("1")

    assert response.text == "ok"
    assert await waiting == ["6"]
    assert await polling.is_closed()


@pytest.mark.parametrize(
    "body",
    [
        "abc",
        "",
        "9",
        "4" + SEPARATOR + SEPARATOR,
        "2",
        "bnot*base64",
        '42["connect"]',
        "42[]",
        "42{}",
        '4x["a"]',
        '451-["a",{"_placeholder":true,"num":0}]' + SEPARATOR + '42["a"]',
        '45999-["a"]',
        "b" + base64.b64encode(b"binary that nothing announced").decode(),
        '40{"token":"again"}',
        '42/admin,["a"]',
        "42" + "[" * 100_000,
    ],
)
async def test_garbage_ends_the_session(polling: RawPolling, token: str, body: str) -> None:
    await polling.sign_in(token)

    await polling.post(body)

    assert await polling.is_closed()


async def test_an_event_before_connect_ends_the_session(polling: RawPolling) -> None:
    await polling.open()

    await polling.post('42["ping"]')

    assert await polling.is_closed()


async def test_after_a_rejected_token_the_session_stays_open(
    polling: RawPolling, token: str
) -> None:
    await polling.open()
    await polling.post('40{"token":"nonsense"}')

    refusal = json.loads((await polling.expect("44"))[2:])

    assert refusal["data"]["code"] == "token_invalid"
    await polling.post(f'40{{"token":"{token}"}}')
    assert await polling.expect("40{")


async def test_after_an_unknown_namespace_the_session_stays_open(
    polling: RawPolling, token: str
) -> None:
    await polling.sign_in(token)
    await polling.post("40/nowhere,")

    assert await polling.expect("44") == '44/nowhere,{"message":"Invalid namespace"}'
    await polling.post('42["ping"]')
    assert await polling.expect('42["pong"')


async def test_a_garbage_body_does_not_affect_other_sessions(
    http: httpx.AsyncClient, token: str
) -> None:
    bystander, offender = RawPolling(http), RawPolling(http)
    await bystander.sign_in(token)
    await offender.sign_in(token)

    await offender.post("\x00\xff garbage")

    await bystander.post('42["ping"]')
    assert await bystander.expect('42["pong"')
    assert await offender.is_closed()


async def test_a_page_of_another_origin_cannot_open_a_session(http: httpx.AsyncClient) -> None:
    response = await http.get(
        "/socket.io/",
        params={"EIO": "4", "transport": "polling"},
        headers={"Origin": "http://evil.example"},
    )

    assert response.status_code == 403
    assert response.json()["code"] == 4
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
async def test_base64_may_have_line_breaks(
    polling: RawPolling, server, token: str, line_break: str
) -> None:
    """Regression: it ended the session of Java and Android clients, which break lines."""
    data = bytes(range(200))
    received: list[object] = []
    server.on("upload")(lambda args, socket: received.extend(args))
    await polling.sign_in(token)
    lines = base64.encodebytes(data).decode().replace("\n", line_break)
    answer = await polling.post('451-["upload",{"_placeholder":true,"num":0}]', f"b{lines}")
    assert answer.text == "ok"
    await polling.post('427["ping"]')
    await polling.expect("437[")
    assert received == [data]
