"""A server with clients, rooms and jobs, and its admin page."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from longwire import Server, WebSocketClient, admin, issue_token, jwt_authenticator
from longwire.catalog import (
    AgentStatusChanged,
    Announcement,
    JobCreated,
    JobFailed,
    JobProgress,
    JobStatusChanged,
)
from longwire.engineio.server import Options
from longwire.server import is_signed_in
from longwire.server.limits import Limits
from longwire.web import create_app
from tests.proxy import Proxy
from tests.serving import SECRET, serving

OPERATOR = "grace"
USERS = ("ada", "ben", "chidi", "dana", "eve", "farid")
SLOW = "slow-reader"
RUNNING = "spring-launch"
FOREVER = 3600.0
MANY = 40
SHARED = 18
"""The first jobs, which every user may join; the others have an owner."""


@dataclass
class OperatedSite:
    """A server with some traffic.

    Attributes:
        url: the URL of the application.
        server: the server.
    """

    url: str
    server: Server

    def address(self, view: str = "", *, user: str = OPERATOR, url: str | None = None) -> str:
        """Return the URL that signs in and opens a view of the admin page."""
        token = issue_token(SECRET, user)
        return f"{url or self.url}/_longwire/{view}#token={token}"

    async def fill(self) -> None:
        """Start jobs and publish events."""
        await self.server.publish(JobCreated(job_id=RUNNING, title="Spring launch"))
        await self.server.publish(JobStatusChanged(job_id=RUNNING, status="running"))
        for percent in range(1, 65):
            progress = JobProgress(
                job_id=RUNNING, progress=percent, current_step="Checking links of the second e-mail"
            )
            await self.server.publish(progress)
        for number in range(MANY):
            job_id = f"translation-{number:02}"
            owner = "ben" if number >= SHARED else None
            created = JobCreated(job_id=job_id, title=f"Translate page {number}", owner=owner)
            await self.server.publish(created)
            await self.server.publish(JobStatusChanged(job_id=job_id, status="running"))
        await self.server.publish(
            JobFailed(
                job_id="translation-00",
                error="429 Too Many Requests: https://translator.example/v2/translate",
                error_code="rate_limited",
                retryable=True,
            )
        )
        await self.server.publish(
            AgentStatusChanged(agent_type="cmo", status="busy", queue_depth=2)
        )
        await self.server.announce("The server restarts at 18:00.", by=OPERATOR)


@contextlib.asynccontextmanager
async def operated_site() -> AsyncIterator[OperatedSite]:
    """Serve an application with the admin page, several clients and one that does not read."""
    server = Server(
        authenticate=jwt_authenticator(SECRET),
        shared_jobs=True,
        # The reader that does not read stays for as long as the tests look at it.
        options=Options(ping_timeout=FOREVER),
        limits=Limits(stall_timeout=FOREVER),
    )
    server.rule("agent:{agent_type}")(is_signed_in)
    app = create_app(server)
    admin.mount(
        app,
        server,
        authorize=admin.only_users(server, [OPERATOR]),
        allow_actions=True,
        redact=lambda room, event, payload: payload,
    )
    async with contextlib.AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(app))
        site = OperatedSite(url, server)
        await site.fill()
        for number, user in enumerate(USERS):
            client = await stack.enter_async_context(_client(url, user))
            await client.join_room(f"job:{RUNNING}")
            for room in range(number * 3):
                await client.join_room(f"job:translation-{room:02}")
        proxy = await stack.enter_async_context(Proxy(url))
        slow = await stack.enter_async_context(_client(proxy.url, SLOW))
        await slow.join_room(f"job:{RUNNING}")
        proxy.freeze()
        for _ in range(MANY):
            await server.publish(
                Announcement(message="x" * 100_000, level="info"), room=f"job:{RUNNING}"
            )
        yield site
        proxy.thaw()


@contextlib.asynccontextmanager
async def _client(url: str, user: str) -> AsyncIterator[WebSocketClient]:
    client = WebSocketClient(url, token=issue_token(SECRET, user))
    await client.connect()
    try:
        yield client
    finally:
        await client.disconnect()
