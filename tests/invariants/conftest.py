"""A server with members on lanes whose transports only count: no sockets, no wall clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from longwire import Server, anonymous
from longwire.broker import MemoryBroker
from longwire.engineio import Options
from longwire.server.access.rules import is_signed_in
from longwire.server.session.session import Session
from longwire.server.uvicorn.lane import Lane
from longwire.websocket import encode_text

MASK = bytes(4)


class CountingTransport(asyncio.Transport):
    """Keeps every object that is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return False

    def is_reading(self) -> bool:
        return True

    def close(self) -> None:
        pass


class Guest:
    """One connection, from the side of its socket."""

    def __init__(self, house: House) -> None:
        self.transport = CountingTransport()
        self.lane = Lane(1_000_000)
        self.lane.open(self.transport, set())
        self.session: Session = house.endpoint.open_session("websocket", "127.0.0.1")
        self.lane.attach(self.session)
        self.session.open_websocket(self.lane)
        self.lane.answer(b"", self.session.engine.messages_to_send())

    def say(self, packet: str) -> None:
        self.lane.data_received(encode_text(packet, MASK))

    @property
    def written(self) -> list[bytes]:
        return self.transport.written


class House:
    """A server, and those who are connected to it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.endpoint = server._endpoint
        self.guests: list[Guest] = []

    async def welcome(self, count: int, *rooms: str, positions: bool = False) -> list[Guest]:
        """Let guests in; those with positions are in the rooms that they ask for only."""
        guests = [Guest(self) for _ in range(count)]
        for guest in guests:
            guest.say("40" + json.dumps({"token": "anybody", "positions": positions}))
            for room in rooms:
                await settle()
                guest.say("427" + json.dumps(["join_room", room]))
        await settle()
        self.guests += guests
        self.forget()
        return guests

    def forget(self) -> None:
        """Count from here."""
        for guest in self.guests:
            guest.written.clear()


class Counted:
    """Counts the calls of a function that goes on doing what it did."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
        self.calls = 0
        original = getattr(owner, name)

        def counting(*args, **options):
            self.calls += 1
            return original(*args, **options)

        monkeypatch.setattr(owner, name, counting)


async def settle() -> None:
    """Let everything run that is due now."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    # The heartbeat is due at once, so that a test which wants one need not wait long for it.
    server = Server(
        broker=MemoryBroker(), authenticate=anonymous, options=Options(ping_interval=0.3)
    )
    server.rule("campaign:{campaign_id}")(is_signed_in)
    async with server:
        yield House(server)
