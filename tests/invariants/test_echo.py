"""A client's event costs no task and no queue beyond running its handler."""

from __future__ import annotations

import asyncio

import pytest

from longwire.connection.connection import Connection
from longwire.connection.events import ConnectionEvent
from tests.invariants.conftest import FakeClient, ServerFixture, settle

QUESTION = '427["echo",{"text":"hello"}]'
ANSWER = b'\x81\x15437[{"text":"hello"}]'


@pytest.fixture
async def echo_server(fixture: ServerFixture) -> ServerFixture:
    @fixture.server.on("echo")
    async def echo(args: list[object], socket: object) -> object:
        return args[0]

    for client in await fixture.connect(10):
        client.send(QUESTION)
    await settle()
    fixture.clear()
    return fixture


async def test_an_acknowledgement_is_one_write_and_no_task(
    echo_server: ServerFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    monkeypatch.setattr(asyncio.get_running_loop(), "create_task", made.append)
    for client in echo_server.clients * 10:
        client.send(QUESTION)
    await settle()
    assert [client.written for client in echo_server.clients] == [[ANSWER] * 10] * 10
    assert made == []


async def test_a_sign_in_is_answered_in_one_write(fixture: ServerFixture) -> None:
    client = FakeClient(fixture)
    client.written.clear()
    client.send('40{"token":"any token"}')
    await settle()
    [answer] = client.written
    assert b'40{"sid"' in answer
    assert b'42["authenticated"' in answer


async def test_a_plain_event_bypasses_the_queues(
    echo_server: ServerFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[str] = []
    events, messages_to_send = Connection.events, Connection.messages_to_send

    def counted_events(connection: Connection) -> list[ConnectionEvent]:
        queued.append("in")
        return events(connection)

    def counted_messages(connection: Connection) -> list[str | bytes]:
        queued.append("out")
        return messages_to_send(connection)

    monkeypatch.setattr(Connection, "events", counted_events)
    monkeypatch.setattr(Connection, "messages_to_send", counted_messages)
    [client, *_] = echo_server.clients
    client.send(QUESTION)
    await settle()
    assert client.written == [ANSWER]
    assert queued == []
