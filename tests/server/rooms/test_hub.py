"""Members of rooms join, fall behind and catch up without a gap or a duplicate."""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import msgspec
import pytest

from longwire.broker import MemoryBroker
from longwire.errors import BrokerUnavailable
from longwire.log.publication import Draft, History, Publication
from longwire.prepared import PreparedBatch, PreparedMessage
from longwire.server.rooms.fanout import MAX_BACKLOG_BYTES
from longwire.server.rooms.hub import Hub, Joined
from longwire.types import Position

ROOM = "job:1"


class Client:
    """A recipient that stalls on request and records what a browser would have received."""

    wants_positions = True
    is_direct = True

    def __init__(self) -> None:
        self.ranges: list[tuple[int, int]] = []
        self.text = ""
        self.volatile: list[str] = []
        self.resets: list[Position] = []
        self.joined: list[Joined] = []
        self.stalled = False
        self.changed = asyncio.Event()

    @property
    def writer(self) -> "Client":
        return self

    def write_batch(self, batch: PreparedBatch, with_positions: bool) -> None:
        assert with_positions
        assert self.write(batch)

    @property
    def offset(self) -> int:
        return self.ranges[-1][1] if self.ranges else 0

    def write(self, batch: PreparedBatch) -> bool:
        if self.stalled:
            return False
        for message in batch.messages:
            if message.last == 0:
                self.volatile.append(message.event)
                continue
            self.ranges.append((message.first, message.last))
            self.text += msgspec.json.decode(message.data)["text"]
        self.changed.set()
        return True

    def receive_room_reset(self, room: str, position: Position) -> None:
        self.resets.append(position)
        self.ranges.clear()
        self.text = ""

    async def wait_for(self, offset: int) -> None:
        async with asyncio.timeout(5):
            while self.offset < offset:
                self.changed.clear()
                await self.changed.wait()

    def assert_no_gap(self, since: int = 0) -> None:
        for first, last in self.ranges:
            assert first == since + 1, self.ranges
            since = last


def draft(text: str) -> Draft:
    return Draft("text", msgspec.json.encode({"text": text}), "text", "text")


@pytest.fixture
async def broker() -> AsyncIterator[MemoryBroker]:
    broker = MemoryBroker()
    yield broker
    await broker.close()


@pytest.fixture(params=[500, 2], ids=["whole", "sliced"])
async def hub(broker: MemoryBroker, request: pytest.FixtureRequest) -> AsyncIterator[Hub]:
    hub = Hub(broker, replay_slice=4, fanout_slice=request.param)
    await broker.start(hub)
    yield hub
    await hub.close()


async def test_a_live_member_receives_every_entry_once(hub: Hub, broker: MemoryBroker) -> None:
    client = Client()
    await hub.join(client, ROOM, None, client.joined.append)
    for text in "abc":
        await broker.publish(ROOM, draft(text))
    await client.wait_for(3)
    client.assert_no_gap()
    assert client.text == "abc"


async def test_a_late_joiner_receives_the_retained_log_after_the_acknowledgement(
    hub: Hub, broker: MemoryBroker
) -> None:
    for text in "abc":
        await broker.publish(ROOM, draft(text))
    client = Client()
    await hub.join(client, ROOM, None, client.joined.append)
    await client.wait_for(3)
    assert client.text == "abc"
    assert client.joined[0].position.offset == 3
    assert not client.joined[0].recovered


async def test_now_skips_history(hub: Hub, broker: MemoryBroker) -> None:
    await broker.publish(ROOM, draft("old"))
    client = Client()
    await hub.join(client, ROOM, "now", client.joined.append)
    await broker.publish(ROOM, draft("new"))
    await client.wait_for(2)
    assert client.text == "new"
    assert client.joined[0].position.offset == 1


async def test_joining_from_a_position_continues_there(hub: Hub, broker: MemoryBroker) -> None:
    position = await broker.publish(ROOM, draft("a"))
    await broker.publish(ROOM, draft("b"))
    client = Client()
    await hub.join(client, ROOM, position, client.joined.append)
    await client.wait_for(2)
    client.assert_no_gap(since=1)
    assert (client.text, client.joined[0].recovered) == ("b", True)


@pytest.mark.parametrize("offset", [-1, 2, 99, 2**63])
async def test_a_forged_offset_is_not_recovered(
    hub: Hub, broker: MemoryBroker, offset: int
) -> None:
    position = await broker.publish(ROOM, draft("a"))
    client = Client()
    await hub.join(client, ROOM, Position(position.epoch, offset), client.joined.append)
    await client.wait_for(1)
    assert not client.joined[0].recovered
    assert client.text == "a"


async def test_another_epoch_is_not_recovered(hub: Hub, broker: MemoryBroker) -> None:
    await broker.publish(ROOM, draft("a"))
    client = Client()
    await hub.join(client, ROOM, Position("another", 1), client.joined.append)
    await client.wait_for(1)
    assert (client.text, client.joined[0].recovered) == ("a", False)


async def test_joining_twice_is_one_membership(hub: Hub, broker: MemoryBroker) -> None:
    client = Client()
    for _ in range(2):
        await hub.join(client, ROOM, None, client.joined.append)
    await broker.publish(ROOM, draft("a"))
    await client.wait_for(1)
    assert client.text == "a"
    assert len(client.joined) == 2


async def test_joining_again_with_a_position_replays_from_there(
    hub: Hub, broker: MemoryBroker
) -> None:
    client = Client()
    await hub.join(client, ROOM, None, client.joined.append)
    position = await broker.publish(ROOM, draft("a"))
    await broker.publish(ROOM, draft("b"))
    await client.wait_for(2)
    await hub.join(client, ROOM, position, client.joined.append)
    await broker.publish(ROOM, draft("c"))
    await client.wait_for(3)
    assert client.text == "abbc"
    assert client.ranges[-2:] == [(2, 2), (3, 3)]


async def test_a_stalled_member_catches_up_from_the_log_conflated(
    hub: Hub, broker: MemoryBroker
) -> None:
    client, other = Client(), Client()
    for member in (client, other):
        await hub.join(member, ROOM, None, member.joined.append)
    await broker.publish(ROOM, draft("a"))
    await client.wait_for(1)
    client.stalled = True
    for text in "bcde":
        await broker.publish(ROOM, draft(text))
        await asyncio.sleep(0)
    await other.wait_for(5)
    client.stalled = False
    hub.resume(client, [ROOM])
    await client.wait_for(5)
    client.assert_no_gap()
    assert client.text == "abcde"
    assert client.ranges == [(1, 1), (2, 5)]
    await broker.publish(ROOM, draft("f"))
    await client.wait_for(6)
    assert client.text == "abcdef"


async def test_volatile_events_are_dropped_and_counted_for_lagging_members(
    hub: Hub, broker: MemoryBroker
) -> None:
    live, lagging = Client(), Client()
    for member in (live, lagging):
        await hub.join(member, ROOM, None, member.joined.append)
    lagging.stalled = True
    await broker.publish_volatile(ROOM, draft("typing"))
    await live.changed.wait()
    assert live.volatile == ["text"]
    assert lagging.volatile == []
    assert hub.volatile_dropped == 1


async def test_a_hole_in_what_a_broker_delivers_is_read_from_the_log(
    hub: Hub, broker: MemoryBroker
) -> None:
    client = Client()
    await hub.join(client, ROOM, None, client.joined.append)
    await broker.publish(ROOM, draft("a"))
    await client.wait_for(1)
    await broker.unsubscribe(ROOM)
    await broker.publish(ROOM, draft("b"))
    await broker.subscribe(ROOM)
    await broker.publish(ROOM, draft("c"))
    await client.wait_for(3)
    client.assert_no_gap()
    assert client.text == "abc"


async def test_a_publication_that_the_broker_repeats_is_delivered_once(
    hub: Hub, broker: MemoryBroker
) -> None:
    client = Client()
    await hub.join(client, ROOM, None, client.joined.append)
    await broker.publish(ROOM, draft("a"))
    data = msgspec.json.encode({"text": "a"})
    hub.receive_publication(ROOM, Publication(1, 1, "text", data, "text", "text", 0))
    await broker.publish(ROOM, draft("b"))
    await client.wait_for(2)
    assert client.text == "ab"


async def test_a_member_that_read_part_of_a_joined_publication_receives_the_rest_only(
    hub: Hub, broker: MemoryBroker
) -> None:
    """A broker that missed entries delivers them joined; the member received some of them twice."""
    early, late = Client(), Client()
    await hub.join(early, ROOM, None, early.joined.append)
    await broker.publish(ROOM, draft("a"))
    await early.wait_for(1)
    await broker.unsubscribe(ROOM)
    for text in "bc":
        await broker.publish(ROOM, draft(text))
    await hub.join(late, ROOM, None, late.joined.append)
    assert late.offset == 3
    await broker.publish(ROOM, draft("d"))
    await broker.subscribe(ROOM)
    data = msgspec.json.encode({"text": "bcd"})
    hub.receive_publication(ROOM, Publication(2, 4, "text", data, "text", "text", 0))
    await broker.publish(ROOM, draft("e"))
    for client in (early, late):
        await client.wait_for(5)
        client.assert_no_gap()
        assert client.text == "abcde"


async def test_a_publication_that_overlaps_an_earlier_one_is_read_from_the_log(
    hub: Hub, broker: MemoryBroker
) -> None:
    client = Client()
    await hub.join(client, ROOM, None, client.joined.append)
    for text in "ab":
        await broker.publish(ROOM, draft(text))
    await client.wait_for(2)
    await broker.unsubscribe(ROOM)
    await broker.publish(ROOM, draft("c"))
    await broker.subscribe(ROOM)
    data = msgspec.json.encode({"text": "bc"})
    hub.receive_publication(ROOM, Publication(2, 3, "text", data, "text", "text", 0))
    await client.wait_for(3)
    client.assert_no_gap()
    assert client.text == "abc"


async def test_a_new_epoch_resets_members_and_replays_the_new_log(
    hub: Hub, broker: MemoryBroker
) -> None:
    client = Client()
    await hub.join(client, ROOM, None, client.joined.append)
    await broker.publish(ROOM, draft("old"))
    await client.wait_for(1)
    hub.receive_reset(ROOM, Position("another", 0))
    assert [position.epoch for position in client.resets] == ["another"]


async def test_a_former_member_receives_nothing_and_an_empty_room_is_closed(
    hub: Hub, broker: MemoryBroker
) -> None:
    client, other = Client(), Client()
    await hub.join(client, ROOM, None, client.joined.append)
    assert await hub.leave(client, ROOM)
    assert not await hub.leave(client, ROOM)
    assert hub.members(ROOM) == []
    await broker.publish(ROOM, draft("a"))
    await hub.join(other, ROOM, None, other.joined.append)
    await other.wait_for(1)
    assert client.text == ""


async def test_a_listener_receives_only_later_events(hub: Hub, broker: MemoryBroker) -> None:
    received: list[str] = []
    changed = asyncio.Event()

    def listen(message: PreparedMessage) -> None:
        received.append(message.event)
        changed.set()

    await broker.publish(ROOM, draft("before"))
    await hub.listen(ROOM, listen)
    await broker.publish(ROOM, draft("after"))
    await changed.wait()
    assert received == ["text"]
    await hub.unlisten(ROOM, listen)


class FlakyBroker(MemoryBroker):
    """A broker whose logs cannot be read while `is_unavailable`."""

    is_unavailable = False

    def __init__(self) -> None:
        super().__init__()
        self.refused = asyncio.Event()

    async def read(self, room: str, since: Position | None = None, **bounds: int) -> History:
        if self.is_unavailable:
            self.refused.set()
            raise BrokerUnavailable("unavailable")
        return await super().read(room, since, **bounds)


@pytest.fixture
async def flaky() -> AsyncIterator[FlakyBroker]:
    broker = FlakyBroker()
    yield broker
    await broker.close()


async def stalled_while_unavailable(client: Client, hub: Hub, broker: FlakyBroker) -> None:
    """Make a member fall behind, and resume it while the log cannot be read."""
    await hub.join(client, ROOM, None, client.joined.append)
    client.stalled = True
    for text in "abc":
        await broker.publish(ROOM, draft(text))
    await asyncio.sleep(0)
    broker.is_unavailable = True
    client.stalled = False
    hub.resume(client, [ROOM])
    await broker.refused.wait()


async def test_a_lagging_member_waits_for_a_log_that_cannot_be_read(
    flaky: FlakyBroker,
) -> None:
    client, hub = Client(), Hub(flaky)
    await flaky.start(hub)
    await stalled_while_unavailable(client, hub, flaky)
    flaky.is_unavailable = False
    await client.wait_for(3)
    client.assert_no_gap()
    assert client.text == "abc"
    await hub.close()


async def test_leaving_ends_the_wait_for_a_log_that_cannot_be_read(
    flaky: FlakyBroker,
) -> None:
    client, hub = Client(), Hub(flaky)
    await flaky.start(hub)
    await stalled_while_unavailable(client, hub, flaky)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    feeders = [task for task in others if "_catch_up" in str(task.get_coro())]
    await hub.leave(client, ROOM)
    async with asyncio.timeout(5):
        await asyncio.gather(*feeders)
    assert len(feeders) == 1
    assert client.text == ""


async def join_or_resume(client: Client, hub: Hub, broker: MemoryBroker) -> None:
    position = None
    if client.offset:
        position = Position((await broker.position(ROOM)).epoch, client.offset)
    await hub.join(client, ROOM, position, client.joined.append)


@pytest.mark.parametrize("seed", range(40))
async def test_any_mixture_of_stalls_joins_and_publishes_gives_all_members_the_same_text(
    hub: Hub, broker: MemoryBroker, seed: int
) -> None:
    random = Random(seed)
    clients = [Client() for _ in range(5)]
    text = ""
    for step in range(200):
        client = random.choice(clients)
        match random.randrange(7):
            case 0 | 1:
                await join_or_resume(client, hub, broker)
            case 2:
                client.stalled = True
            case 3:
                client.stalled = False
                hub.resume(client, [ROOM])
            case 4:
                await asyncio.sleep(0)
            case _:
                piece = f"{step},"
                text += piece
                await broker.publish(ROOM, draft(piece))
    end = (await broker.position(ROOM)).offset
    for client in clients:
        client.stalled = False
        if hub.is_member(client, ROOM):
            hub.resume(client, [ROOM])
        else:
            await hub.join(client, ROOM, None, client.joined.append)
    for client in clients:
        await client.wait_for(end)
        client.assert_no_gap()
        assert client.text == text


async def test_members_of_a_fan_out_slower_than_its_publishers_read_the_log(
    hub: Hub, broker: MemoryBroker
) -> None:
    clients = [Client() for _ in range(5)]
    for client in clients:
        await hub.join(client, ROOM, None, client.joined.append)
    received: list[int] = []
    await hub.listen(ROOM, lambda message: received.append(message.last))
    waiting: list[int] = []
    for number in range(60):
        await broker.publish(ROOM, draft(f"{number:03} " + "x" * 100_000))
        waiting.append(hub._rooms[ROOM].pending_bytes)
    assert max(waiting) < MAX_BACKLOG_BYTES
    for client in clients:
        await client.wait_for(60)
        client.assert_no_gap()
        assert [int(part) for part in client.text.replace("x", "").split()] == list(range(60))
    assert received == list(range(1, 61))
