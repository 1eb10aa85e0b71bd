"""The cost of a publication with the log in memory and on disk.

One member receives all events. `alone`: each publication waits for the previous one. `together`: a
hundred at a time, which the SQLite broker commits in one transaction.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from functools import partial

from benchmarks.load import ANSWERED, Crowd, frame
from benchmarks.peers import LONGWIRE, Peer
from benchmarks.process import LAPS, Subject, measured
from benchmarks.scenario import TEXT, Figures, Scenario

MEMORY_ALONE = Peer("memory, alone", LONGWIRE.server)
MEMORY_TOGETHER = Peer("memory, together", LONGWIRE.server)
SQLITE_ALONE = Peer("SQLite, alone", LONGWIRE.server)
SQLITE_TOGETHER = Peer("SQLite, together", LONGWIRE.server)

TOGETHER = 100
COUNT = {MEMORY_ALONE: 20_000, MEMORY_TOGETHER: 20_000, SQLITE_ALONE: 1000, SQLITE_TOGETHER: 20_000}


def measure(peer: Peer, quick: bool) -> Figures:
    """Make the server publish as fast as it can."""
    with tempfile.TemporaryDirectory() as directory:
        sqlite = peer in (SQLITE_ALONE, SQLITE_TOGETHER)
        broker = f"sqlite:///{directory}/log.db" if sqlite else "memory:"
        at_once = TOGETHER if peer in (MEMORY_TOGETHER, SQLITE_TOGETHER) else 1
        publish = partial(_publish, at_once=at_once)
        with (
            Subject(peer.server, broker) as server,
            closing(Crowd(server.listening().port)) as crowd,
        ):
            crowd.sign_in(1, "campaign:0")
            publish(crowd, 5 * TOGETHER)
            count = COUNT[peer] // (5 if quick else 1) // LAPS
            return measured(server, count, lambda: publish(crowd, count))


def _publish(crowd: Crowd, count: int, at_once: int) -> None:
    request = frame(
        "publish_many", {"count": count, "at_once": at_once, "text": TEXT}, answered=True
    )
    crowd.exchange(crowd.members, request, ANSWERED)


PUBLISH = Scenario(
    name="publish",
    title="A publication, in memory and on disk",
    unit="µs CPU a publication",
    key="cpu_us",
    measure=measure,
    peers=(MEMORY_ALONE, MEMORY_TOGETHER, SQLITE_ALONE, SQLITE_TOGETHER),
    rounds=1,
)
