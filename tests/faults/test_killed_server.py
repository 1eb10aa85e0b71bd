"""A server that is killed repeatedly while clients publish."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from longwire import WebSocketClient
from longwire.testing import History
from tests.faults.load import ROOM, Load, event
from tests.faults.preloaded import PreloadedServer

KILLS = 20

pytestmark = pytest.mark.timeout(60)


async def test_acknowledged_events_are_delivered_once_when_the_server_is_killed(
    tmp_path: Path,
) -> None:
    """A kill can fall into any moment of a transaction, with publications in flight."""
    history = History()
    with PreloadedServer(f"--broker=sqlite:///{tmp_path}/log.db") as server:
        service, user = server.token("worker", service=True), server.token()
        quick = {"reconnection_delay": 0.05, "reconnection_delay_max": 0.05}
        async with (
            WebSocketClient(server.url, token=service, **quick) as worker,
            WebSocketClient(server.url, token=user, **quick) as ada,
            WebSocketClient(server.url, token=user, **quick) as late,
        ):
            history.reader("ada").follow(ada, ROOM)
            await ada.join_room(ROOM)
            load = Load(history, worker)
            loading = asyncio.create_task(load.run())
            for kill in range(KILLS):
                await load.advance(20 + 5 * kill)
                server.kill()
                await asyncio.to_thread(server.start)
            history.reader("late").follow(late, ROOM)
            late.join_room(ROOM)
            await load.advance(100)
            load.stop()
            await loading
            await history.caught_up()
    proof = history.check()
    assert proof.published >= KILLS * 20
    assert (proof.unknown, proof.restarts) == (0, 0)


async def test_a_lost_memory_log_is_replayed_from_its_start_to_readers() -> None:
    history, options = History(), {"reconnection_delay": 0.05, "reconnection_delay_max": 0.05}
    with PreloadedServer("--broker=memory:") as server:
        service, user = server.token("worker", service=True), server.token()
        async with (
            WebSocketClient(server.url, token=service, **options) as worker,
            WebSocketClient(server.url, token=user, **options) as ada,
        ):
            history.reader("ada").follow(ada, ROOM)
            await ada.join_room(ROOM)
            for kill in range(3):
                for number in range(10 + kill):
                    await history.publish(worker, event(number), room=ROOM)
                await history.caught_up()
                server.kill()
                await asyncio.to_thread(server.start)
            await history.publish(worker, event(0), room=ROOM)
            await history.caught_up()
            joined = await ada.join_room(ROOM)
    assert (joined.recovered, joined.epoch) == (False, history.reader("ada").position(ROOM).epoch)
    assert history.check().restarts == 3
