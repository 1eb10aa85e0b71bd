"""For any sequence of connection faults, each reader receives every event once and in order."""

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
    st.tuples(st.just("state"), st.sampled_from(["progress", "status"])),
    st.tuples(st.sampled_from(["cut", "freeze", "thaw", "refuse", "accept"]), NAMES),
    st.tuples(st.just("turns"), st.sampled_from([1.0, 2.0, 3.0, 5.0, 8.0, 13.0])),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.3, 5.0, 50.0])),
    st.tuples(st.just("server writes"), st.sampled_from(["d", "e"])),
)


class Scenario:
    """A worker that publishes, two readers, and the faults of their connections."""

    def __init__(self, link: Link, clock: ManualClock, clients: dict[str, WebSocketClient]) -> None:
        self.link = link
        self.clock = clock
        self.clients = clients
        self.history = History()
        self.published: list[asyncio.Future[Position]] = []

    async def start(self) -> None:
        for name in READERS:
            self.history.reader(name).follow(self.clients[name], ROOM)
            await self.clients[name].join_room(ROOM)

    async def run(self, steps: Iterable[Step]) -> None:
        for kind, what in steps:
            match kind:
                case "write":
                    self.publish(JobOutput(job_id="1", chunk=f"{what}{len(self.published)} "))
                case "state":
                    self.publish(self.next_state(str(what)))
                case "server writes":
                    event = JobOutput(job_id="1", chunk=str(what))
                    await self.history.publish(self.link.server, event)
                case "turns":  # a cut may occur between an event and its acknowledgement
                    for _ in range(int(what)):
                        await asyncio.sleep(0)
                case "wait":
                    await self.clock.advance(float(what))
                case _:
                    getattr(self.link, kind)(self.clients[str(what)])

    def next_state(self, kind: str) -> Event:
        number = len(self.published)
        if kind == "progress":
            return JobProgress(job_id="1", progress=number % 101, current_step="on")
        return JobStatusChanged(job_id="1", status="running", message=str(number))

    def publish(self, event: Event) -> None:
        attempt = self.history.offer(event, publisher="worker")
        publishing = self.clients["worker"].publish(event)
        publishing.add_done_callback(self.acknowledge(attempt))
        self.published.append(publishing)

    def acknowledge(self, attempt: Attempt) -> Callable[[asyncio.Future[Position]], None]:
        return lambda publishing: self.history.acknowledge(attempt, publishing.result())

    async def finish(self) -> None:
        """Restore the network, and wait until every reader has caught up."""
        self.link.accept()
        self.link.thaw()
        await self.clock.advance(60)
        await asyncio.gather(*self.published)
        await self.clock.advance(60)


async def run_scenario(steps: list[Step]) -> None:
    server = Server(authenticate=authenticate_by_name, shared_jobs=True)
    with ManualClock() as clock:
        async with Link(server) as link:
            clients = {name: await link.connect(name) for name in READERS}
            clients["worker"] = await link.connect("service:worker")
            scenario = Scenario(link, clock, clients)
            await scenario.start()
            await scenario.run(steps)
            await scenario.finish()
            assert scenario.history.check().published >= len(scenario.published)
            assert all(client.is_connected for client in clients.values())


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, max_size=60))
@example(
    [("write", "a"), ("turns", 1.0), ("cut", "worker")]
)  # appended, and its acknowledgement is lost
@example([("write", "a"), ("cut", "ada"), ("write", "b"), ("wait", 5.0)])
def test_every_reader_receives_everything_once_and_in_order(steps: list[Step]) -> None:
    asyncio.run(run_scenario(steps))
