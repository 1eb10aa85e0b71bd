"""`room.latest` and `room.update`: values that several people change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

import longwire.sync
from longwire import CATALOG, Contract, Event, Identity, Latest, Merge, Server, WebSocketClient
from longwire.broker import open_broker
from longwire.catalog import JobOutput
from longwire.errors import (
    ConfigurationError,
    Conflict,
    InvalidEvent,
    InvalidRoom,
    PublishDenied,
    RoomDenied,
    UnknownEvent,
)
from longwire.server import issue_token, jwt_authenticator
from longwire.testing import Link
from longwire.values import RETRIES
from tests.redis_server import RedisServer
from tests.serving import SECRET, serving


class Counted(Event, name="counted", room="page:{page}", conflate=Latest("counter")):
    page: str
    counter: int
    total: int = 0


class PageChanged(Event, name="page:changed", room="page:{page}", conflate=Merge()):
    page: str
    title: str | UnsetType | None = UNSET
    votes: dict[str, int | None] | UnsetType = UNSET


class Other(Event, name="other", conflate=Latest()):
    pass


CONTRACT = CATALOG | Contract([Counted, PageChanged])


def make_server(broker: str = "memory:") -> Server:
    server = Server(
        contract=CONTRACT, broker=open_broker(broker), authenticate=jwt_authenticator(SECRET)
    )
    server.rule("page:{page}")(lambda identity, parameters: parameters["page"] != "secret")

    @server.publish_rule("page:{page}", PageChanged)
    def may_change(identity: Identity, event: PageChanged) -> bool:
        return event.page != "locked"

    return server


@pytest.fixture
async def link() -> AsyncIterator[Link]:
    async with Link(make_server()) as link:
        yield link


async def connect(link: Link, user: str = "ada") -> WebSocketClient:
    token = issue_token(SECRET, user, service=user == "backend")
    return await link.connect(token, contract=CONTRACT)


def increment(value: Counted | None) -> Counted:
    return Counted(page="1", counter=7) if value is None else replace(value, total=value.total + 1)


@pytest.fixture(params=["memory", "sqlite", "redis"])
def broker_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "redis":
        redis: RedisServer = request.getfixturevalue("redis_server")
        return redis.url
    return "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/log.db"


async def test_fifty_writers_count_exactly(broker_url: str) -> None:
    """A writer that gives up raises; every other increment counts once."""
    async with make_server(broker_url) as server:
        room = server.room(f"page:{id(server)}")
        changes = 0

        def count(value: Counted | None) -> Counted:
            total = 0 if value is None else value.total
            return Counted(page=room.name.removeprefix("page:"), counter=7, total=total + 1)

        async def write() -> None:
            nonlocal changes
            for _ in range(3):
                try:
                    await room.update(Counted, 7, count)
                except Conflict:
                    continue
                changes += 1

        await asyncio.gather(*(write() for _ in range(50)))
        final = await room.latest(Counted, 7)

    assert changes > 50
    assert final is not None
    assert final.value.total == changes


async def test_a_server_reads_and_updates_a_value() -> None:
    async with make_server() as server:
        room = server.room("page:1")
        assert await room.latest(Counted, 7) is None
        first = await room.update(Counted, 7, increment)
        before = await room.latest(Counted, 7)
        second = await room.update(Counted, 7, increment)
        found = await room.latest(Counted, (7,))
        assert await room.latest(Counted, 8) is None

    assert (first.offset, second.offset) == (1, 2)
    assert before is not None
    assert found is not None
    assert (found.value.total, found.position) == (1, second)
    assert found.value.timestamp >= before.value.timestamp > 0


async def test_a_client_updates_a_value_that_it_may_change(link: Link) -> None:
    client = await connect(link)
    async with client.room("page:1") as room:

        async def vote(value: PageChanged | None) -> PageChanged:
            assert value is None
            await asyncio.sleep(0)
            return PageChanged(page="1", votes={"ada": 1})

        await room.update(PageChanged, (), vote)
        await link.server.publish(PageChanged(page="1", title="T", votes={"bob": 2}))
        found = await room.latest(PageChanged)
        position = await room.update(
            PageChanged, (), lambda value: PageChanged(page="1", title=None, votes={"ada": None})
        )
        after = await room.latest(PageChanged)

    assert found is not None
    assert (found.value.title, found.value.votes) == ("T", {"ada": 1, "bob": 2})
    assert after is not None
    assert after.position == position
    assert replace(after.value, timestamp=0) == PageChanged(page="1", votes={"bob": 2})


async def test_an_update_that_loses_starts_over_and_at_last_raises(link: Link) -> None:
    client = await connect(link, "backend")
    room = client.room("page:1")
    seen: list[int | None] = []

    def losing(times: int) -> Callable[[Counted | None], Awaitable[Counted]]:
        seen.clear()

        async def change(value: Counted | None) -> Counted:
            seen.append(None if value is None else value.total)
            if len(seen) <= times:
                await link.server.publish(Counted(page="1", counter=7, total=len(seen) * 10))
            return Counted(page="1", counter=7, total=(seen[-1] or 0) + 1)

        return change

    await room.update(Counted, 7, losing(RETRIES))
    assert seen == [None, 10, 20, 30, 40, 50]
    final = await room.latest(Counted, 7)
    assert final is not None
    assert final.value.total == 51
    with pytest.raises(Conflict):
        await room.update(Counted, 7, losing(RETRIES + 1))
    assert len(seen) == RETRIES + 1


async def test_refusals(link: Link) -> None:
    ada, backend = await connect(link), await connect(link, "backend")
    await backend.publish(PageChanged(page="secret", title="S"))

    with pytest.raises(RoomDenied):
        await ada.room("page:secret").latest(PageChanged)
    with pytest.raises(InvalidRoom):
        await ada.room("nowhere").latest(Counted, ("1", 7))
    with pytest.raises(PublishDenied, match="counted"):
        await ada.room("page:1").update(Counted, 7, increment)
    with pytest.raises(PublishDenied, match="page:locked"):
        await ada.room("page:locked").update(
            PageChanged, (), lambda value: PageChanged(page="locked", title="x")
        )
    with pytest.raises(ConfigurationError, match="key 8"):
        await backend.room("page:1").update(Counted, 8, increment)
    with pytest.raises(ZeroDivisionError):
        await backend.room("page:1").update(Counted, 7, lambda value: 1 // 0)  # type: ignore[arg-type]
    for kind, key, reason in (
        (Counted, (), r"consists of counter, got 0"),
        (Counted, ("x",), "int"),
        (PageChanged, 7, "no fields, got 1"),
        (JobOutput, (), "Latest or Merge"),
    ):
        with pytest.raises(InvalidEvent, match=reason):
            await backend.room("page:1").latest(kind, key)
    with pytest.raises(UnknownEvent):
        await backend.room("page:1").latest(Other)
    with pytest.raises(InvalidRoom):
        link.server.room("nowhere")
    assert await backend.room("page:1").latest(Counted, 7) is None


async def test_a_value_in_a_room_that_its_event_does_not_declare() -> None:
    async with make_server() as server:
        room = server.room("user:ada")
        await room.publish(Counted(page="1", counter=7, total=5))
        await room.publish(Counted(page="2", counter=7, total=6))
        found = await room.latest(Counted, ("2", 7))

    assert found is not None
    assert found.value.total == 6


async def test_the_client_without_await() -> None:
    server = make_server()

    def run(url: str) -> int:
        token = issue_token(SECRET, "backend", service=True)
        with longwire.sync.WebSocketClient(
            url, token=token, contract=CONTRACT, proxy=None
        ) as client:
            room = client.room("page:1")
            assert room.latest(Counted, 7) is None
            room.update(Counted, 7, increment)
            lost: list[int] = []

            def change(value: Counted | None) -> Counted:
                lost.append(1)
                if len(lost) == 1:
                    client.publish(Counted(page="1", counter=7, total=40)).result()
                return increment(value)

            room.update(Counted, 7, change)

            def meddle(value: Counted | None) -> Counted:
                client.publish(Counted(page="1", counter=7, total=90)).result()
                return increment(value)

            with pytest.raises(Conflict):
                room.update(Counted, 7, meddle)
            found = room.latest(Counted, 7)
            assert found is not None
            return len(lost) * 1000 + found.value.total

    async with serving(server) as url:
        assert await asyncio.to_thread(run, url) == 2090
