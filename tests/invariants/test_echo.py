"""What an event from a client costs beside its handler: nothing is made that a loop has to run."""

from __future__ import annotations

import asyncio

import pytest

from longwire.connection import Connection, ConnectionEvent
from tests.invariants.conftest import Guest, House, settle

QUESTION = '427["echo",{"text":"hello"}]'
ANSWER = b'\x81\x15437[{"text":"hello"}]'


@pytest.fixture
async def asking_house(house: House) -> House:
    @house.server.on("echo")
    async def echo(args: list[object], socket: object) -> object:
        return args[0]

    for guest in await house.welcome(10):
        guest.say(QUESTION)
    await settle()
    house.forget()
    return house


async def test_an_answer_is_one_write_and_costs_no_task(
    asking_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    monkeypatch.setattr(asyncio.get_running_loop(), "create_task", made.append)
    for guest in asking_house.guests * 10:
        guest.say(QUESTION)
    await settle()
    assert [guest.written for guest in asking_house.guests] == [[ANSWER] * 10] * 10
    assert made == []


async def test_a_sign_in_is_answered_in_one_write(house: House) -> None:
    guest = Guest(house)
    guest.written.clear()
    guest.say('40{"token":"anybody"}')
    await settle()
    [answer] = guest.written
    assert b'40{"sid"' in answer
    assert b'42["authenticated"' in answer


async def test_a_plain_event_does_not_pass_the_queues(
    asking_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[str] = []
    events, messages_to_send = Connection.events, Connection.messages_to_send

    def counted_events(connection: Connection) -> list[ConnectionEvent]:
        passed.append("in")
        return events(connection)

    def counted_messages(connection: Connection) -> list[str | bytes]:
        passed.append("out")
        return messages_to_send(connection)

    monkeypatch.setattr(Connection, "events", counted_events)
    monkeypatch.setattr(Connection, "messages_to_send", counted_messages)
    [guest, *_] = asking_house.guests
    guest.say(QUESTION)
    await settle()
    assert guest.written == [ANSWER]
    assert passed == []
