"""Nodes that share a Redis: brokers, and receivers that a test can wait for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

from longwire.broker.redis import RedisBroker
from longwire.log.publication import Draft, Publication
from longwire.types import Position
from tests.broker.recording import RecordingReceiver


class WaitingReceiver(RecordingReceiver):
    """Records what a broker delivers; a test can wait for a delivery."""

    def __init__(self) -> None:
        super().__init__()
        self._delivered = asyncio.Event()

    def receive_publication(self, room: str, publication: Publication) -> None:
        super().receive_publication(room, publication)
        self._delivered.set()

    def receive_volatile(self, room: str, draft: Draft) -> None:
        super().receive_volatile(room, draft)
        self._delivered.set()

    def receive_reset(self, room: str, position: Position) -> None:
        super().receive_reset(room, position)
        self._delivered.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._delivered.clear()
            await self._delivered.wait()

    async def until_offset(self, room: str, offset: int) -> None:
        await self.until(lambda: offset in self.offsets(room))

    def is_without_gap(self, room: str) -> bool:
        """Whether every publication starts where the previous one ended."""
        ranges = [(p.first, p.last) for name, p in self.publications if name == room]
        return all(before[1] + 1 == after[0] for before, after in pairwise(ranges))


@asynccontextmanager
async def opened(
    url: str, prefix: str = "longwire", **options: Any
) -> AsyncIterator[tuple[RedisBroker, WaitingReceiver]]:
    """Yield a node: a started broker and its receiver."""
    broker, receiver = RedisBroker(url, prefix=prefix, **options), WaitingReceiver()
    await broker.start(receiver)
    try:
        yield broker, receiver
    finally:
        await broker.close()
