"""Whatever befalls the connections: everybody has everything, once and in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from hypothesis import example, given, settings
from hypothesis import strategies as st

from longwire import Server, WebSocketClient
from longwire.catalog import JobOutput, JobProgress, JobStatusChanged
from longwire.schema import Event
from longwire.testing import Attempt, History, Link, ManualClock, authenticate_by_name
from longwire.types import Position

ROOM = "job:1"
READERS = ("ada", "bob")
NAMES = st.sampled_from(["worker", *READERS])

Step = tuple[str, ...] | tuple[str, float]

STEPS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(["a", "b", "c"])),
    st.tuples(st.just("tell"), st.sampled_from(["progress", "status"])),
    st.tuples(st.sampled_from(["cut", "freeze", "thaw", "refuse", "accept"]), NAMES),
    st.tuples(st.just("turns"), st.sampled_from([1.0, 2.0, 3.0, 5.0, 8.0, 13.0])),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.3, 5.0, 50.0])),
    st.tuples(st.just("server writes"), st.sampled_from(["d", "e"])),
)


class Story:
    """A worker who publishes, two readers, and what befalls them."""

    def __init__(self, link: Link, clock: ManualClock, clients: dict[str, WebSocketClient]) -> None:
        self.link = link
        self.clock = clock
        self.clients = clients
        self.history = History()
        self.said: list[asyncio.Future[Position]] = []

    async def begin(self) -> None:
        for name in READERS:
            self.history.reader(name).follow(self.clients[name], ROOM)
            await self.clients[name].join_room(ROOM)

    async def go_on(self, steps: Iterable[Step]) -> None:
        for kind, what in steps:
            match kind:
                case "write":
                    self.say(JobOutput(job_id="1", chunk=f"{what}{len(self.said)} "))
                case "tell":
                    self.say(self.news(str(what)))
                case "server writes":
                    event = JobOutput(job_id="1", chunk=str(what))
                    await self.history.publish(self.link.server, event)
                case "turns":  # of the loop: a cut may come between an event and its answer
                    for _ in range(int(what)):
                        await asyncio.sleep(0)
                case "wait":
                    await self.clock.advance(float(what))
                case _:
                    getattr(self.link, kind)(self.clients[str(what)])

    def news(self, kind: str) -> Event:
        number = len(self.said)
        if kind == "progress":
            return JobProgress(job_id="1", progress=number % 101, current_step="on")
        return JobStatusChanged(job_id="1", status="running", message=str(number))

    def say(self, event: Event) -> None:
        attempt = self.history.offer(event, publisher="worker")
        told = self.clients["worker"].publish(event)
        told.add_done_callback(self.acknowledge(attempt))
        self.said.append(told)

    def acknowledge(self, attempt: Attempt) -> Callable[[asyncio.Future[Position]], None]:
        return lambda told: self.history.acknowledge(attempt, told.result())

    async def end(self) -> None:
        """Let the network recover, and everybody catch up."""
        self.link.accept()
        self.link.thaw()
        await self.clock.advance(60)
        await asyncio.gather(*self.said)
        await self.clock.advance(60)


async def tell(steps: list[Step]) -> None:
    server = Server(authenticate=authenticate_by_name, shared_jobs=True)
    with ManualClock() as clock:
        async with Link(server) as link:
            clients = {name: await link.connect(name) for name in READERS}
            clients["worker"] = await link.connect("service:worker")
            story = Story(link, clock, clients)
            await story.begin()
            await story.go_on(steps)
            await story.end()
            assert story.history.check().published >= len(story.said)
            assert all(client.is_connected for client in clients.values())


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, max_size=60))
@example([("write", "a"), ("turns", 1.0), ("cut", "worker")])  # appended, and its answer lost
@example([("write", "a"), ("cut", "ada"), ("write", "b"), ("wait", 5.0)])
def test_everybody_has_everything_once_and_in_order(steps: list[Step]) -> None:
    asyncio.run(tell(steps))
