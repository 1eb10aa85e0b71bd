"""A job host for tests that records events and can be slow, failing or unavailable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from longwire.catalog import CATALOG, JobCancel, JobCreated
from longwire.jobs import JobState, fold
from longwire.schema import Event
from longwire.types import Position


class RecordingHost:
    """A `JobHost` over a list; it validates like a server and remembers publish ids.

    Attributes:
        events: what was appended, in order.
        gate: while cleared, publishing waits.
        faults: raised by the next calls, one each, before anything is appended.
        late_faults: the same, but raised after the event was appended.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.faults: list[Exception] = []
        self.late_faults: list[Exception] = []
        self._ids: set[str] = set()
        self._callbacks: dict[str, list[Callable[[JobCancel], None]]] = {}
        self._appended = asyncio.Event()

    async def publish(
        self,
        event: Event,
        *,
        room: str | None = None,
        id: str | None = None,
        attempt: int | None = None,
    ) -> Position:
        encoded = CATALOG.encode(event, len(self.events) + 1, room)
        await self.gate.wait()
        if self.faults:
            raise self.faults.pop(0)
        if id is None or id not in self._ids:
            self.events.append(CATALOG.decode(encoded.event, encoded.data))
            self._ids.add(id or "")
            self._appended.set()
            self._appended = asyncio.Event()
        if self.late_faults:
            raise self.late_faults.pop(0)
        return Position("e", len(self.events))

    async def start_attempt(self, created: JobCreated, *, id: str | None = None) -> int:
        number = 1 + len(self.of(JobCreated))
        await self.publish(replace(created, attempt=number), id=id)
        return number

    def on_cancel(self, job_id: str, callback: Callable[[JobCancel], None]) -> Callable[[], None]:
        callbacks = self._callbacks.setdefault(job_id, [])
        callbacks.append(callback)
        return lambda: callbacks.remove(callback)

    def cancel(self, job_id: str, reason: str | None = None) -> int:
        """Deliver a `job:cancel`; return the number of callbacks."""
        callbacks = list(self._callbacks.get(job_id, []))
        for callback in callbacks:
            callback(JobCancel(job_id=job_id, reason=reason))
        return len(callbacks)

    def of(self, *kinds: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kinds)]

    def state(self, job_id: str) -> JobState:
        state = JobState.initial(job_id)
        for event in self.events:
            state = fold(state, event)
        return state

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await self._appended.wait()
