"""Servers with a consumer as processes of their own, for tests that kill them.

A process reads from its standard input, in each line, completions to publish: a list of the job and
a number each. It writes one line for each thing that happened: `started`, `published`, `status …`,
and `charged …` for each event that its consumer handled.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from longwire import Server, anonymous
from longwire.broker import open_broker
from longwire.catalog import JobCompleted, JobResult, JobStatusChanged
from longwire.server import Delivery

CONCURRENCY = 8
POISON = -1

Completion = tuple[str, int]


class Charge(NamedTuple):
    """An event that a consumer handled."""

    node: str
    id: str
    job: str
    offset: int
    number: int
    at: float


class Ledger:
    """The charges of all processes, in the order of their writes in each process."""

    def __init__(self) -> None:
        self.charges: list[Charge] = []
        self._changed = asyncio.Condition()

    async def add(self, charge: Charge) -> None:
        self.charges.append(charge)
        async with self._changed:
            self._changed.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(condition)

    async def advance(self, count: int) -> None:
        """Wait for some more charges."""
        wanted = len(self.charges) + count
        await self.until(lambda: len(self.charges) >= wanted)

    async def complete(self, events: Sequence[Completion]) -> None:
        """Wait until each of these events was charged."""
        missing = set(events)

        def is_complete() -> bool:
            missing.difference_update((charge.job, charge.number) for charge in self.charges)
            return not missing

        await self.until(is_complete)

    def by_job(self) -> dict[str, list[Charge]]:
        found: defaultdict[str, list[Charge]] = defaultdict(list)
        for charge in self.charges:
            found[charge.job].append(charge)
        return found

    def check(self, events: Sequence[Completion]) -> int:
        """Check that all events were charged in order; return the number of duplicates.

        In each room, an event may be repeated until the next one is handled, and not afterwards:
        then its position was stored.
        """
        charges = self.by_job()
        for job in {job for job, _ in events}:
            offsets = [charge.offset for charge in charges[job]]
            assert offsets == sorted(offsets), f"{job}: {offsets}"
            numbers = list(dict.fromkeys(charge.number for charge in charges[job]))
            assert numbers == [number for name, number in events if name == job]
        assert len({charge.id for charge in self.charges}) == len(events)
        return len(self.charges) - len(events)


class LedgerProcess:
    """One server with the consumer.

    Args:
        name: the name of the node in its charges.
        broker: the URL of the broker.
        ledger: receives its charges.
    """

    def __init__(self, name: str, broker: str, ledger: Ledger) -> None:
        self.name = name
        self._broker = broker
        self._ledger = ledger
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._answers: asyncio.Queue[str] = asyncio.Queue()

    @property
    def process(self) -> Process:
        assert self._process is not None
        return self._process

    async def start(self) -> None:
        """Start the process, and wait until its server has started."""
        self._answers = asyncio.Queue()
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.faults.ledger", self._broker), stdin=PIPE, stdout=PIPE
        )
        self._reading = asyncio.create_task(self._read())
        assert await self._answers.get() == "started"

    async def kill(self) -> None:
        """Kill the process, like a crash, and read what it had written."""
        if self._process is not None:
            self.thaw()
            self.process.kill()
            await self._end()

    async def stop(self) -> None:
        """Close the server, and wait until the process has ended."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self._end()

    async def _end(self) -> None:
        assert self._reading is not None
        await self._reading
        await self.process.wait()
        self._process = None

    def freeze(self) -> None:
        """Stop the process, so that it does nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Continue a frozen process."""
        self.process.send_signal(signal.SIGCONT)

    async def publish(self, events: Sequence[Completion]) -> bool:
        """Publish completions; return whether all are in the log, False if the process ended."""
        return await self._ask(events) == "published"

    async def status(self) -> dict[str, Any]:
        """Return the status of the consumer on this node."""
        found: dict[str, Any] = json.loads(await self._ask(None))
        return found

    async def _ask(self, question: object) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(question).encode() + b"\n")
        return await self._answers.get()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            kind, _, rest = line.decode().strip().partition(" ")
            if kind == "charged":
                id, job, offset, number, at = rest.split()
                charge = Charge(self.name, id, job, int(offset), int(number), float(at))
                await self._ledger.add(charge)
            else:
                self._answers.put_nowait(rest or kind)
        self._answers.put_nowait("ended")


@asynccontextmanager
async def ledger_processes(
    ledger: Ledger, broker: str, *names: str
) -> AsyncIterator[list[LedgerProcess]]:
    """Start one process for each name; they end with the block."""
    processes = [LedgerProcess(name, broker, ledger) for name in names]
    try:
        await asyncio.gather(*(process.start() for process in processes))
        yield processes
    finally:
        for process in processes:
            await process.kill()


def write(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())  # in one piece, unlike print


async def serve(broker: str) -> None:
    server = Server(broker=open_broker(broker), authenticate=anonymous)

    @server.consumer("ledger", JobCompleted, concurrency=CONCURRENCY, attempts=3, backoff=0.1)
    async def charge(event: JobCompleted, context: Delivery) -> None:
        await asyncio.sleep(0)
        number = int(event.result.content)
        if number == POISON:
            raise ValueError("poison")
        write("charged", context.id, event.job_id, context.position.offset, number, time.time())

    loop = asyncio.get_running_loop()
    async with server:
        write("started")
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            events = json.loads(line)
            if events is None:
                [status] = server.consumers
                parked = [event.error for event in await server.parked()]
                found = {"shards": status.shards, "waiting": status.waiting, "parked": parked}
                write("status", json.dumps(found))
                continue
            await asyncio.gather(*(complete(server, job, number) for job, number in events))
            write("published")


async def complete(server: Server, job: str, number: int) -> None:
    """Publish a completion among other events, as jobs do; once, however often it is called."""
    await server.publish(JobStatusChanged(job_id=job, status="running"))
    result = JobResult(content=str(number))
    done = JobCompleted(job_id=job, result=result, cost=1, duration=1)
    await server.publish(done, id=f"{job} {number}")


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
