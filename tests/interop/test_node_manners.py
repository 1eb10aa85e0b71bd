"""Invalid packets and cut transports, which only Node's client can be made to produce."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.interop.stock_clients import NodeClient, node_client
from tests.serving import ServerProcess


@pytest.fixture
async def client(running_server: ServerProcess) -> AsyncIterator[NodeClient]:
    async with node_client(["websocket"]) as client:
        await client.connect(
            running_server.url,
            {"token": running_server.token()},
            reconnectionDelay=20,
        )
        await client.expect("event", "authenticated")
        yield client


@pytest.mark.parametrize(
    "packet",
    [
        {"type": 2, "nsp": "/", "data": ["disconnect", "a reserved name"]},
        {"type": 2, "nsp": "/", "data": []},
        {"type": 2, "nsp": "/elsewhere", "data": ["event"]},
        {"type": 0, "nsp": "/", "data": {"token": "a second CONNECT"}},
    ],
    ids=["reserved name", "no name", "namespace not joined", "connected twice"],
)
async def test_an_invalid_packet_closes_the_connection(
    client: NodeClient, packet: dict[str, Any]
) -> None:
    await client.send_packet(packet)

    [reason] = await client.expect("disconnect")

    assert reason == "transport close"


async def test_an_unknown_event_is_rejected_and_the_connection_stays_open(
    client: NodeClient,
) -> None:
    [answer] = await client.call("no:such:event", {"any": "thing"})
    assert answer["ok"] is False
    assert answer["error"]["code"] == "unknown_event"

    await client.emit("ping")
    await client.expect("event", "pong")


async def test_signs_in_again_after_a_cut(client: NodeClient) -> None:
    await client.cut()

    await client.expect("disconnect")
    await client.expect("reconnect")
    [authenticated] = await client.expect("event", "authenticated")
    assert authenticated["userId"] == "ada"
