"""Measures the admin interface with 10,000 connections and 50,000 rooms.

`python -m benchmarks.admin` prints the time and the size of each view, the share of a core that
the interface takes while no operator looks and while one page is open, and the cost of a scrape.
Between scrapes metrics cost nothing, since the counters exist without them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from longwire import CATALOG, Server, admin, metrics
from longwire.catalog import JobProgress
from longwire.prepared import PreparedBatch
from longwire.server import Identity, Limits
from longwire.server.session.tcp_info import UNKNOWN

CONNECTIONS = 10_000
ROOMS = 50_000
ROOMS_EACH = 5
ROUNDS = 5
WATCHED_FOR = 10.0
SCRAPE_INTERVAL = 15.0
VIEWS = (
    "/overview",
    "/nodes",
    "/connections?limit=50",
    "/connections?limit=500&sort=-since",
    "/connections?q=user-77",
    "/connections/{connection}",
    "/rooms?limit=50",
    "/rooms?limit=500&sort=-maxLag&prefix=job:",
    "/rooms/job:1",
    "/jobs",
    "/contracts",
    "/health",
    "/consumers",
    "/audit",
    "/trace",
)


class Sink:
    """A WebSocket that drops whatever is written."""

    def __init__(self) -> None:
        self.is_direct = False
        self.stalled = False

    def write(self, messages: Any) -> None:
        pass

    def write_batch(self, batch: PreparedBatch, with_positions: bool) -> None:
        pass

    def close(self) -> None:
        pass

    def traffic(self) -> Any:
        return UNKNOWN


async def authenticate(token: str) -> Identity:
    return Identity(token)


@asynccontextmanager
async def system() -> AsyncIterator[tuple[Server, FastAPI]]:
    """Yield a server with its simulated connections and rooms, and its application."""
    server = Server(
        contract=CATALOG,
        authenticate=authenticate,
        shared_jobs=True,
        limits=Limits(sessions_per_address=CONNECTIONS, sessions_signing_in=CONNECTIONS),
    )
    app = FastAPI()
    admin.mount(app, server, authorize=lambda request: "root")
    async with server, app.router.lifespan_context(app):
        await connect_all(server)
        yield server, app


async def connect_all(server: Server) -> None:
    sessions = server._sessions
    for number in range(CONNECTIONS):
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        session = sessions.open("websocket", address)
        session.open_websocket(Sink())
        session.engine.messages_to_send()
        token = b'{"token":"user-%d","positions":true}' % number
        session.receive_websocket(session.writer, "40" + token.decode())
        if number % 500 == 0:
            await asyncio.sleep(0)
    while len(server.sockets) < CONNECTIONS:  # noqa: ASYNC110 - a list has no event
        await asyncio.sleep(0.01)
    for index, socket in enumerate(server.sockets):
        for step in range(ROOMS_EACH):
            room = f"job:{(index * ROOMS_EACH + step) % ROOMS}"
            await server.hub.join(socket, room, "now", lambda joined: None)
            socket.rooms.add(room)
        await server.hub.join(socket, "global", "now", lambda joined: None)
        socket.rooms.add("global")


async def measure_views(server: Server, http: httpx.AsyncClient) -> None:
    print(f"{'view':46} {'ms':>7} {'kB':>7}")
    for view in VIEWS:
        path = "/_longwire/api" + view.format(connection=server.sockets[0].sid)
        best = 1e9
        for _ in range(ROUNDS):
            start = time.process_time()
            answer = await http.get(path)
            best = min(best, time.process_time() - start)
        assert answer.status_code == 200, answer.text
        print(f"{view:46} {best * 1000:7.1f} {len(answer.content) / 1000:7.1f}")


async def measure_share(label: str, http: httpx.AsyncClient | None) -> None:
    """Print the share of a core over some seconds, with one page open if `http` is given."""
    start, cpu = time.monotonic(), time.process_time()
    while time.monotonic() - start < WATCHED_FOR:
        await asyncio.sleep(2.0)
        if http is not None:
            await http.get("/_longwire/api/connections?limit=50")
    elapsed = time.monotonic() - start
    print(f"{label:46} {(time.process_time() - cpu) / elapsed:7.2%}")


async def measure_scrape(server: Server) -> float:
    """Return the CPU seconds of a scrape."""
    transport = httpx.ASGITransport(app=metrics.asgi(server))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        best = 1e9
        for _ in range(ROUNDS):
            start = time.process_time()
            await http.get("/")
            best = min(best, time.process_time() - start)
        return best


async def main() -> None:
    start = time.monotonic()
    async with system() as (server, app):
        rooms, elapsed = len(server.hub.rooms), time.monotonic() - start
        print(f"{CONNECTIONS} connections, {rooms} rooms, made in {elapsed:.0f} s")
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            await server.publish(JobProgress(job_id="1", progress=1, current_step="one"))
            await measure_views(server, http)
            await measure_share("share of a core, no operator", None)
            await measure_share("share of a core, one page open, every 2 s", http)
        scrape = await measure_scrape(server)
        share = scrape / SCRAPE_INTERVAL
        print(f"{'a scrape of the metrics':46} {scrape * 1000:7.1f} ms, {share:.2%} of a core")


if __name__ == "__main__":
    asyncio.run(main())
