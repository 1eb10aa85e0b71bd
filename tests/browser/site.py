"""A Longwire site: sign-in URLs for its users, and publishing for its backend."""

from __future__ import annotations

from typing import Any

import httpx

from longwire import issue_token
from tests.serving import SECRET

USER = "ada"


class Site:
    """Creates tokens and URLs of a server's page, and publishes events."""

    def __init__(self, url: str) -> None:
        self.url = url

    def token(self, user: str = USER, *, service: bool = False, ttl: float = 3600.0) -> str:
        return issue_token(SECRET, user, service=service, ttl=ttl)

    def address(
        self,
        route: str = "/jobs",
        *,
        user: str = USER,
        url: str | None = None,
        ttl: float = 3600.0,
        service: bool = False,
    ) -> str:
        """Return the URL that signs in and opens a view, through the proxy `url` if given."""
        token = self.token(user, service=service, ttl=ttl)
        return f"{url or self.url}/#token={token}&to={route}"

    async def publish(self, event: str, data: dict[str, Any], **fields: str) -> None:
        await self.publish_all([{"event": event, "data": data, **fields}])

    async def publish_all(self, events: list[dict[str, Any]]) -> None:
        headers = {"authorization": f"Bearer {self.token('backend', service=True)}"}
        # Loading certificates would take longer than the request.
        async with httpx.AsyncClient(trust_env=False, verify=False, base_url=self.url) as http:
            answer = await http.post("/api/publish", json=events, headers=headers)
        assert answer.status_code == 200, answer.text

    async def start_job(self, job_id: str, title: str, *, owner: str = USER) -> None:
        """Publish a running job."""
        await self.publish("job:created", {"jobId": job_id, "title": title, "owner": owner})
        await self.publish("job:status", {"jobId": job_id, "status": "running"})

    async def progress(self, job_id: str, progress: float, step: str) -> None:
        data = {"jobId": job_id, "progress": progress, "currentStep": step}
        await self.publish("job:progress", data)

    async def write(self, job_id: str, chunk: str) -> None:
        await self.publish("job:output", {"jobId": job_id, "chunk": chunk})
