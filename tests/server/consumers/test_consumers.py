"""A backend that receives its own events."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from longwire import Server, WebSocketClient, issue_token, jwt_authenticator
from longwire.broker import Broker, MemoryBroker, SQLiteBroker, Written
from longwire.broker.redis import RedisBroker
from longwire.catalog import JobCompleted
from longwire.errors import ConfigurationError
from longwire.integrations.fastapi import mount
from longwire.log.retention import RetentionLimits
from longwire.server import Delivery, Limits, ParkedEvent, UnknownParkedEvent
from longwire.testing import ManualClock
from tests.redis_server import RedisServer
from tests.server.consumers.conftest import (
    CONTRACT,
    Balance,
    Ledger,
    Open,
    Paid,
    Words,
    edit,
    eventually,
    make_server,
)
from tests.serving import SECRET, serving

pytestmark = pytest.mark.timeout(60)


async def pay(server: Server, account: str, *numbers: int) -> None:
    for number in numbers:
        await server.publish(Paid(account=account, number=number))


async def test_events_of_each_room_arrive_in_order(broker: Broker) -> None:
    ledger, server = Ledger(), make_server(broker)
    server.consumer("ledger", Paid)(ledger.handle)
    async with server:
        await asyncio.gather(*(pay(server, f"a{n}", *range(20)) for n in range(10)))
        await ledger.until(200)
        await eventually(lambda: server.consumers[0].waiting == 0)
        [status] = server.consumers

    assert ledger.numbers == {f"a{n}": list(range(20)) for n in range(10)}
    assert (status.handled, status.failed, status.parked, status.overtaken) == (200, 0, 0, 0)
    assert (status.name, status.events) == ("ledger", ("paid",))
    assert len({delivery.id for delivery in ledger.deliveries}) == 200
    assert {delivery.attempt for delivery in ledger.deliveries} == {1}
    assert {delivery.room for delivery in ledger.deliveries} == {f"account:a{n}" for n in range(10)}


async def test_a_restart_continues_where_the_consumer_stopped(open_log: Open) -> None:
    ledger = Ledger()
    for run in range(3):
        server = make_server(open_log())
        server.consumer("ledger", Paid)(ledger.handle)
        async with server:
            await pay(server, "ada", 2 * run)
            await ledger.until(2 * run + 1)
        async with make_server(open_log()) as other:
            await pay(other, "ada", 2 * run + 1)

    assert ledger.numbers == {"ada": [0, 1, 2, 3, 4]}


@pytest.mark.parametrize(("start", "received"), [("now", [2]), ("beginning", [1, 2])])
async def test_a_consumer_begins_at_its_start(
    open_log: Open, start: str, received: list[int]
) -> None:
    ledger, server = Ledger(), make_server(open_log())
    server.consumer("ledger", Paid, start=start)(ledger.handle)
    async with make_server(open_log()) as before:
        await pay(before, "ada", 1)
    async with server:
        await pay(server, "ada", 2)
        await ledger.until(len(received))

    assert ledger.numbers == {"ada": received}


async def test_every_consumer_has_a_position_of_its_own(broker: Broker) -> None:
    first, second, server = Ledger(), Ledger(), make_server(broker)
    server.consumer("first", Paid)(first.handle)
    server.consumer("second", Paid, JobCompleted)(second.handle)
    async with server:
        await pay(server, "ada", 1, 2, 3)
        await first.until(3)
        await second.until(3)

    assert first.numbers == second.numbers == {"ada": [1, 2, 3]}
    assert [d.id for d in first.deliveries] == [d.id for d in second.deliveries]


async def test_a_plain_function_can_be_a_handler() -> None:
    received: list[int] = []
    server = make_server()

    @server.consumer("plain", Paid)
    def record(event: Paid, delivery: Delivery) -> None:
        received.append(event.number)

    async with server:
        await pay(server, "ada", 1)
        await eventually(lambda: received == [1])


async def test_a_consumer_receives_what_the_log_retains() -> None:
    received: list[object] = []
    server = make_server()

    @server.consumer("values", Balance, Words)
    async def record(event: Balance | Words, delivery: Delivery) -> None:
        received.append(event.amount if isinstance(event, Balance) else event.text)

    async with server:
        for amount in range(5):
            await server.publish(Balance(account="ada", amount=amount))
        for text in "abc":
            await server.publish(Words(account="ada", text=text))
        await eventually(lambda: len(received) >= 2)

    assert received == [4, "abc"]


# Failures


async def test_a_failed_event_is_retried_with_growing_delays_and_then_parked() -> None:
    ledger, server, times = Ledger(), make_server(), []
    ledger.failing = {1}

    @server.consumer("ledger", Paid, attempts=4, backoff=2.0)
    async def charge(event: Paid, delivery: Delivery) -> None:
        times.append((event.number, round(clock.monotonic() - began)))
        await ledger.handle(event, delivery)

    with ManualClock() as clock:
        async with server:
            await clock.advance(5)
            began = clock.monotonic()
            await pay(server, "ada", 1, 2)
            await pay(server, "bob", 3)
            await clock.advance(1)
            assert ledger.numbers == {"bob": [3]}
            assert server.consumers[0].waiting == 1
            await clock.advance(20)
            [parked] = await server.parked()
            status = server.consumers[0]

    assert sorted(times) == [(1, 0), (1, 2), (1, 6), (1, 14), (2, 14), (3, 0)]
    assert [d.attempt for d in ledger.deliveries if d.room == "account:ada"] == [1, 2, 3, 4, 1]
    assert len({d.id for d in ledger.deliveries}) == 3
    assert parked.id == next(d.id for d in ledger.deliveries if d.room == "account:ada")
    assert (parked.consumer, parked.room, parked.event) == ("ledger", "account:ada", "paid")
    assert (parked.data["number"], parked.attempts) == (1, 4)
    assert parked.error == "ValueError: no account for 1"
    assert (status.handled, status.failed, status.parked) == (2, 4, 1)


async def test_failures_are_counted_over_restarts(tmp_path: Path) -> None:
    attempts: list[int] = []
    for _ in range(4):
        server = make_server(SQLiteBroker(tmp_path / "logs.db"))

        @server.consumer("ledger", Paid, attempts=4, backoff=60)
        async def charge(event: Paid, delivery: Delivery) -> None:
            attempts.append(delivery.attempt)
            raise ValueError

        async with server:
            if not attempts:
                await pay(server, "ada", 1)
            before = len(attempts)
            await eventually(lambda: len(attempts) > before)  # noqa: B023
            if len(attempts) == 4:
                await eventually(lambda: server.consumers[0].parked == 1)  # noqa: B023

    assert attempts == [1, 2, 3, 4]


async def test_a_handler_that_takes_too_long_fails() -> None:
    calls: list[int] = []
    server = make_server()

    @server.consumer("slow", Paid, attempts=2, timeout=30)
    async def hang(event: Paid, delivery: Delivery) -> None:
        calls.append(delivery.attempt)
        await asyncio.Event().wait()

    with ManualClock() as clock:
        async with server:
            await clock.advance(5)
            await pay(server, "ada", 1)
            await clock.advance(70)
            [parked] = await server.parked("slow")
    assert calls == [1, 2]
    assert parked.error.startswith("TimeoutError")


async def park_one(server: Server, ledger: Ledger) -> ParkedEvent:
    ledger.failing = {1}
    await pay(server, "ada", 1, 2)
    await ledger.until(1)
    [parked] = await server.parked("ledger")
    return parked


async def test_a_parked_event_can_be_retried(broker: Broker) -> None:
    ledger, server = Ledger(), make_server(broker)
    server.consumer("ledger", Paid, attempts=1)(ledger.handle)
    async with server:
        parked = await park_one(server, ledger)
        await server.retry_parked("ledger", parked.id)
        await ledger.wait(lambda: len(ledger.deliveries) == 3)
        while (await server.parked())[0].is_retrying:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)
        [failed] = await server.parked()
        ledger.failing = set()
        await server.retry_parked("ledger", parked.id)
        await ledger.until(2)
        await eventually(lambda: server.consumers[0].parked == 0)
        with pytest.raises(UnknownParkedEvent, match="has no parked event"):
            await server.retry_parked("ledger", parked.id)

    assert failed.attempts == 2
    assert ledger.numbers == {"ada": [2, 1]}
    assert [d.attempt for d in ledger.deliveries] == [1, 1, 2, 3]


async def test_a_parked_event_can_be_discarded_on_a_server_without_consumers(
    open_log: Open,
) -> None:
    ledger, server = Ledger(), make_server(open_log())
    server.consumer("ledger", Paid, attempts=1)(ledger.handle)
    async with server:
        parked = await park_one(server, ledger)
    async with make_server(open_log()) as operator:
        assert await operator.parked() == [parked]
        assert await operator.parked("other") == []
        await operator.discard_parked("ledger", parked.id)
        assert await operator.parked() == []
        with pytest.raises(UnknownParkedEvent):
            await operator.discard_parked("ledger", parked.id)
        with pytest.raises(ConfigurationError, match="not the name of a consumer"):
            await operator.discard_parked("", parked.id)


async def test_rooms_wait_when_no_more_events_can_be_parked() -> None:
    ledger, server = Ledger(), make_server(limits=Limits(parked_events=1))
    server.consumer("ledger", Paid, attempts=1)(ledger.handle)
    ledger.failing = {1, 2}
    with ManualClock() as clock:
        async with server:
            await clock.advance(5)
            await pay(server, "ada", 1)
            await clock.advance(1)
            await pay(server, "bob", 2, 3)
            await clock.advance(30)
            [parked] = await server.parked()
            assert server.consumers[0].waiting == 1
            assert ledger.numbers == {}
            await server.discard_parked("ledger", parked.id)
            ledger.failing = set()
            await clock.advance(60)

    assert parked.room == "account:ada"
    assert ledger.numbers == {"bob": [2, 3]}


async def test_an_event_that_no_longer_fits_its_declaration_is_parked_at_once(
    tmp_path: Path,
) -> None:
    async with make_server(SQLiteBroker(tmp_path / "logs.db")) as server:
        await pay(server, "ada", 1, 2)
    edit(
        tmp_path / "logs.db",
        "UPDATE entries SET data ="
        """ CAST('{"account": "ada", "number": "one"}' AS BLOB) WHERE last = 1""",
    )
    ledger, server = Ledger(), make_server(SQLiteBroker(tmp_path / "logs.db"))
    server.consumer("ledger", Paid, start="beginning")(ledger.handle)
    async with server:
        await ledger.until(1)
        [parked] = await server.parked()

    assert parked.error.startswith("InvalidEvent")
    assert ledger.numbers == {"ada": [2]}


# Logs that lost entries


async def test_a_log_under_another_epoch_continues_at_the_last_handled_event(
    tmp_path: Path,
) -> None:
    ledger = Ledger()

    async def run(count: int, *numbers: int) -> Server:
        server = make_server(SQLiteBroker(tmp_path / "logs.db"))
        server.consumer("ledger", Paid)(ledger.handle)
        async with server:
            await pay(server, "ada", *numbers)
            await ledger.until(count)
            await eventually(lambda: server.consumers[0].waiting == 0)
            restarted = server.consumers[0].restarted
        assert restarted == (count == 6)
        return server

    await run(3, 1, 2, 3)
    edit(tmp_path / "logs.db", "UPDATE rooms SET epoch = 'another'")
    await run(4, 4)
    assert ledger.numbers == {"ada": [1, 2, 3, 4]}

    # The tail with the last handled event is lost, and its offset belongs to another event.
    edit(
        tmp_path / "logs.db",
        "UPDATE rooms SET epoch = 'third'",
        "DELETE FROM entries WHERE last > 1 AND room ="
        " (SELECT id FROM rooms WHERE name = 'account:ada')",
    )
    await run(6, 5)
    assert ledger.numbers == {"ada": [1, 2, 3, 4, 1, 5]}
    ids = [delivery.id for delivery in ledger.deliveries]
    assert ids[4] == ids[0]
    assert len(set(ids)) == 5


async def test_entries_that_retention_dropped_unread_are_counted(tmp_path: Path) -> None:
    def opened() -> SQLiteBroker:
        return SQLiteBroker(tmp_path / "logs.db", retention=RetentionLimits(max_entries=5))

    ledger = Ledger()
    server = make_server(opened())
    server.consumer("ledger", Paid)(ledger.handle)
    async with server:
        await pay(server, "ada", 1)
        await ledger.until(1)
    async with make_server(opened()) as other:
        await pay(other, "ada", *range(2, 10))
    server = make_server(opened())
    server.consumer("ledger", Paid)(ledger.handle)
    async with server:
        await ledger.until(6)
        assert server.consumers[0].overtaken == 1

    assert ledger.numbers == {"ada": [1, 5, 6, 7, 8, 9]}


async def test_a_redis_that_lost_everything_does_not_stop_a_consumer(tmp_path: Path) -> None:
    ledger = Ledger()
    with RedisServer(tmp_path) as redis:
        server = make_server(RedisBroker(redis.url))
        server.consumer("ledger", Paid)(ledger.handle)
        async with server:
            await pay(server, "ada", 1)
            await ledger.until(1)
            await asyncio.to_thread(redis.restart)
            await pay(server, "ada", 2)
            await ledger.until(2)
    assert ledger.numbers == {"ada": [1, 2]}


async def test_an_outage_of_redis_loses_and_repeats_nothing(tmp_path: Path) -> None:
    """The outage is so long that the node gives up its shards and claims them again."""
    ledger = Ledger()
    with RedisServer(tmp_path) as redis:
        server = make_server(RedisBroker(redis.url, call_timeout=1.0))
        server.consumer("ledger", Paid)(ledger.handle)
        async with server:
            await pay(server, "ada", 1, 2)
            await ledger.until(2)
            await eventually(lambda: server.consumers[0].waiting == 0)
            redis.freeze()
            await eventually(lambda: server.consumers[0].shards == 0)
            redis.thaw()
            await eventually(lambda: server.consumers[0].shards == 16)
            await pay(server, "ada", 3)
            await ledger.until(3)
    assert ledger.numbers == {"ada": [1, 2, 3]}
    assert len(ledger.deliveries) == 3


async def test_the_positions_of_rooms_that_are_gone_are_dropped() -> None:
    broker = MemoryBroker(retention=RetentionLimits(max_age=100.0))
    ledger, server = Ledger(), make_server(broker)
    server.consumer("ledger", Paid)(ledger.handle)
    with ManualClock() as clock:
        async with server:
            await clock.advance(5)
            await pay(server, "ada", 1)
            await clock.advance(90)
            await pay(server, "bob", 2)
            await clock.advance(90)
            entries = await positions_of(broker)
            await pay(server, "eve", 3)
            await pay(server, "ada", 4)
            await clock.advance(5)
            again = await positions_of(broker)

    assert ledger.numbers == {"ada": [1, 4], "bob": [2], "eve": [3]}
    assert sorted(entries) == ["account:bob"]
    assert sorted(again) == ["account:ada", "account:bob", "account:eve"]


async def positions_of(broker: Broker) -> list[str]:
    """The rooms whose positions the log of the first shard has."""
    history = await broker.read("consumer ledger 0")
    values = [msgspec.json.decode(entry.data) for entry in history.publications]
    return [value[0] for value in values if isinstance(value, list)]


# Several nodes


async def test_two_nodes_share_the_work_and_one_takes_over(redis_server: RedisServer) -> None:
    ledgers = Ledger(), Ledger()
    a, b = (make_server(RedisBroker(redis_server.url, prefix="sharing")) for _ in ledgers)
    for server, ledger in zip((a, b), ledgers, strict=True):
        server.consumer("ledger", Paid)(ledger.handle)

    async with b:
        async with a:
            await eventually(lambda: a.consumers[0].shards == b.consumers[0].shards == 8)
            for number in range(40):
                await pay(b, f"a{number}", 1)
            await eventually(lambda: sum(len(ledger.numbers) for ledger in ledgers) == 40)
        assert all(len(ledger.numbers) > 5 for ledger in ledgers)
        await eventually(lambda: b.consumers[0].shards == 16)
        for number in range(40):
            await pay(b, f"a{number}", 2)
        await eventually(lambda: sum(2 in n for n in ledgers[1].numbers.values()) == 40)

    for number in range(40):
        account = f"a{number}"
        assert sorted(ledgers[0].numbers[account] + ledgers[1].numbers[account]) == [1, 2]


# Registration


async def test_what_cannot_be_registered_is_refused() -> None:
    server, ledger = make_server(), Ledger()
    server.consumer("ledger", Paid)(ledger.handle)
    with pytest.raises(ConfigurationError, match="there is a consumer 'ledger' already"):
        server.consumer("ledger", Paid)
    with pytest.raises(ConfigurationError, match="Ledger is not in the server's contract"):
        server.consumer("other", Ledger)
    for name in ("", "a b", "-a", "a" * 51):
        with pytest.raises(ConfigurationError, match="the name of a consumer has"):
            server.consumer(name, Paid)
    with pytest.raises(ConfigurationError, match="has no events"):
        server.consumer("other")
    for options in (
        {"attempts": 0},
        {"backoff": 0},
        {"timeout": -1},
        {"concurrency": 0},
        {"start": "x"},
    ):
        with pytest.raises(ConfigurationError, match=f"{next(iter(options))} must be"):
            server.consumer("other", Paid, **options)
    async with server:
        with pytest.raises(ConfigurationError, match="after the server has started"):
            server.consumer("late", Paid)


async def test_clients_cannot_name_the_rooms_of_a_consumer() -> None:
    assert CONTRACT.match_room("consumer ledger 0") is None
    assert CONTRACT.match_room("control parked") is None


class CountingBroker(MemoryBroker):
    """Counts what a consumer would ask of it."""

    asked = 0

    async def written_since(self, mark: str) -> Written:
        self.asked += 1
        return await super().written_since(mark)


async def test_a_server_without_consumers_asks_the_broker_for_nothing() -> None:
    broker = CountingBroker()
    with ManualClock() as clock:
        async with make_server(broker) as server:
            await pay(server, "ada", 1)
            await clock.advance(60)
            assert server.consumers == []
            rooms = await broker.rooms("")

    assert (broker.asked, rooms) == (0, ["account:ada"])


# Publishers


async def test_events_arrive_from_http_a_worker_a_job_and_another_node(
    redis_server: RedisServer,
) -> None:
    received: list[str] = []
    arrived = asyncio.Event()
    options = {"contract": CONTRACT, "authenticate": jwt_authenticator(SECRET)}
    node, other = (
        Server(broker=RedisBroker(redis_server.url, prefix="publishers"), **options)
        for _ in range(2)
    )

    @node.consumer("ledger", JobCompleted)
    async def charge(event: JobCompleted, delivery: Delivery) -> None:
        received.append(event.job_id)
        if len(received) == 4:
            arrived.set()

    app = FastAPI()
    mount(app, node)
    token = issue_token(SECRET, "worker", service=True)
    async with other, serving(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
        data = {"jobId": "http", "result": {}, "cost": 1, "duration": 1}
        answer = await http.post(
            "/api/publish",
            json={"event": "job:completed", "data": data},
            headers={"authorization": f"Bearer {token}"},
        )
        async with WebSocketClient(url, token=token) as worker, worker.start_job(job_id="worker"):
            pass
        async with node.job(job_id="here"):
            pass
        async with other.job(job_id="there"):
            pass
        await arrived.wait()

    assert answer.status_code == 200, answer.text
    assert sorted(received) == ["here", "http", "there", "worker"]
