"""A receiver that records deliveries, and drafts to publish."""

from __future__ import annotations

import msgspec

from longwire.broker import Broker
from longwire.broker.slices import read_slices
from longwire.log.publication import Draft, Publication
from longwire.types import Position


class RecordingReceiver:
    """Records what a broker delivers, in order."""

    def __init__(self) -> None:
        self.publications: list[tuple[str, Publication]] = []
        self.volatile: list[tuple[str, Draft]] = []
        self.resets: list[tuple[str, Position]] = []

    def receive_publication(self, room: str, publication: Publication) -> None:
        self.publications.append((room, publication))

    def receive_volatile(self, room: str, draft: Draft) -> None:
        self.volatile.append((room, draft))

    def receive_reset(self, room: str, position: Position) -> None:
        self.resets.append((room, position))

    def offsets(self, room: str) -> list[int]:
        return [publication.last for name, publication in self.publications if name == room]


class ManualClock:
    """A clock that the test sets, in seconds since the Unix epoch."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def note(text: str) -> Draft:
    """An entry that does not conflate."""
    return Draft("note", msgspec.json.encode({"text": text}))


def progress(value: int, job: str = "1") -> Draft:
    """State: the newest entry of a job replaces the older ones."""
    data = msgspec.json.encode({"jobId": job, "progress": value})
    return Draft("job:progress", data, f"job:progress:{job}")


def output(chunk: str) -> Draft:
    """A text piece, which joins adjacent ones."""
    data = msgspec.json.encode({"jobId": "1", "chunk": chunk, "type": "writing"})
    return Draft("job:output", data, "job:output:writing", "chunk")


async def texts(broker: Broker, room: str) -> list[str]:
    """Return the texts and chunks of a room's whole retained log, in order."""
    payloads = [
        msgspec.json.decode(publication.data)
        async for history in read_slices(broker, room)
        for publication in history.publications
    ]
    return [payload.get("text", payload.get("chunk", "")) for payload in payloads]
