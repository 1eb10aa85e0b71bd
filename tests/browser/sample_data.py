"""Sample data of a marketing team's server, for tests and screenshots."""

from __future__ import annotations

import time
from typing import Any

from tests.browser.site import Site

USER = "ada"
RUNNING = "spring-launch"
FAILED = "competitor-audit"
COMPLETED = "wire-essay"
CANCELLED = "old-newsletter"
QUEUED = "seo-refresh"
LONG = "long-title"
COLLECTOR = "collector"
UNBROKEN = "unbroken"

MINUTE = 60_000
HOUR = 60 * MINUTE

CAMPAIGNS: dict[str, dict[str, float]] = {
    "winter-sale": {
        "impressions": 912_440,
        "clicks": 18_249,
        "conversions": 402,
        "cost": 310.0,
        "roi": -0.18,
    },
    "spring-launch": {
        "impressions": 184_200,
        "clicks": 6_127,
        "conversions": 311,
        "cost": 42.5,
        "roi": 2.4,
    },
}

THINKING = (
    "The brief asks for three e-mails over nine days. The first should not sell at all: "
    "it earns the right to the second. Keep the subject lines under 45 characters.\n"
)
TOOL_CALL = 'search_assets(tag="spring", status="approved")\n→ 14 assets, newest from yesterday\n'
DRAFT = """\
Subject: The line that never drops

Dear reader,

in March 1898 a single wire between two islands carried every birth, every
price and every storm warning. When it broke, the islands waited; when it
was repaired, no message that had been sent meanwhile was lost.

We build that wire for software. This spring it gets faster, and you can
watch it work:

  1. Open the page of any running job.
  2. Pull out your network cable, and count to ten.
  3. Put it back.

\x1b[32m✓\x1b[0m tone of voice  \x1b[32m✓\x1b[0m reading ease 68  \x1b[33m!\x1b[0m two links
  https://example.com/spring
  https://example.com/spring/terms
"""
AUDIT = """\
\x1b[2m$\x1b[0m longwire run -- python audit.py --sites 24
fetched  1/24  northwind.example     \x1b[32m200\x1b[0m  412 kB
fetched  2/24  contoso.example       \x1b[32m200\x1b[0m  1.2 MB
fetched  3/24  fabrikam.example      \x1b[33m301\x1b[0m  → www.fabrikam.example
fetched  4/24  www.fabrikam.example  \x1b[32m200\x1b[0m  388 kB
fetched  5/24  tailspin.example      \x1b[31m429\x1b[0m  Retry-After: 3600
Traceback (most recent call last):
  File "audit.py", line 88, in fetch
    response.raise_for_status()
\x1b[31mHTTPStatusError\x1b[0m: 429 Too Many Requests: https://tailspin.example/
"""
ESSAY = """\
A room is a log, and a reader is a position in it. Everything else follows from that: a late \
joiner reads from the start, a client that was away resumes where it left off, and a slow \
reader receives the same text in fewer pieces.

Nothing here is kept twice. The page that you are looking at stores no data of its own: close \
it in the middle of a sentence, and the whole sentence is there when you come back.
"""


class SampleData:
    """Jobs in every state, agents, campaigns, budgets and assets."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.now = int(time.time() * 1_000)
        self._events: list[dict[str, Any]] = []

    async def publish_all(self) -> None:
        """Publish all sample events."""
        self._jobs()
        self._agents()
        self._campaigns()
        self._personal()
        self._unbroken()
        await self.site.publish_all(self._events)

    def add(self, event: str, data: dict[str, Any], age: int = 0, **fields: str) -> None:
        """Add an event that is `age` milliseconds old."""
        stamped = {"timestamp": self.now - age, **data}
        self._events.append({"event": event, "data": stamped, **fields})

    def start_job(self, job_id: str, title: str, age: int) -> None:
        self.add("job:created", {"jobId": job_id, "title": title, "owner": USER}, age)
        self.add("job:status", {"jobId": job_id, "status": "running"}, age)

    def progress(self, job_id: str, progress: float, step: str, left: float) -> None:
        data = {"jobId": job_id, "progress": progress, "currentStep": step}
        self.add("job:progress", {**data, "estimatedCompletion": left})

    def write(self, job_id: str, text: str, type: str | None = None) -> None:
        kind = {} if type is None else {"type": type}
        self.add("job:output", {"jobId": job_id, "chunk": text, **kind})

    async def announce(self, message: str, level: str = "info") -> None:
        await self.site.publish("announcement", {"message": message, "level": level})

    def _jobs(self) -> None:
        self._old_jobs()
        self._completed()
        self._failed()
        self._running()
        self.add(
            "job:created", {"jobId": QUEUED, "title": "Refresh 40 landing pages", "owner": USER}
        )

    def _old_jobs(self) -> None:
        self.start_job(CANCELLED, "February newsletter", 27 * HOUR)
        cancelled = {"jobId": CANCELLED, "status": "cancelled", "message": "Superseded"}
        self.add("job:status", cancelled, 26 * HOUR)
        title = "Compare the click-through of every campaign since 2019 by region, weekday and hour"
        self.start_job(LONG, title, 3 * HOUR)
        done = {"jobId": LONG, "result": {"metrics": {"rows": 1_204_311}}}
        self.add("job:completed", {**done, "cost": 0.0, "duration": 734.2}, 2 * HOUR)

    def _completed(self) -> None:
        self.start_job(COMPLETED, "Essay: what a wire remembers", 52 * MINUTE)
        self.write(COMPLETED, "Outline: room, reader, position. Two paragraphs.\n", "thinking")
        self.write(COMPLETED, ESSAY, "writing")
        artifacts = [
            {"type": "document", "url": "https://example.com/essay.pdf", "name": "essay.pdf"},
            {"type": "image", "url": "https://example.com/wire.png", "name": "header-image.png"},
        ]
        metrics = {"words": 104, "readingEase": 71.4, "sources": 6}
        result = {"content": ESSAY, "metrics": metrics, "artifacts": artifacts}
        done = {"jobId": COMPLETED, "result": result, "cost": 0.84, "duration": 194.0}
        self.add("job:completed", done, 49 * MINUTE)

    def _failed(self) -> None:
        self.start_job(FAILED, "Audit of 24 competitors", 18 * MINUTE)
        self.write(FAILED, AUDIT)
        failed = {
            "jobId": FAILED,
            "error": "tailspin.example asked to wait an hour before the next request",
            "errorCode": "rate_limited",
            "retryable": True,
        }
        self.add("job:failed", failed, 16 * MINUTE)

    def _running(self) -> None:
        self.start_job("translations", "Translate the product tour", 9 * MINUTE)
        self.progress("translations", 31, "Portuguese, 5 of 16", 1_230)
        self.start_job(RUNNING, "Spring launch: three e-mails", 4 * MINUTE)
        self.write(RUNNING, THINKING, "thinking")
        self.write(RUNNING, TOOL_CALL, "tool_call")
        self.write(RUNNING, DRAFT, "writing")
        self.progress(RUNNING, 64, "Checking links of the second e-mail", 95)

    def _agents(self) -> None:
        agents: list[dict[str, Any]] = [
            {"agentType": "cmo", "status": "ready"},
            {"agentType": "email_marketer", "status": "busy", "currentJob": RUNNING},
            {"agentType": "seo_writer", "status": "busy", "currentJob": COMPLETED, "queueDepth": 3},
            {"agentType": "social_media_manager", "status": "offline"},
            {"agentType": "analytics_specialist", "status": "error", "queueDepth": 1},
        ]
        for agent in agents:
            self.add("agent:status", agent)

    async def measure_campaign(self, campaign_id: str, **figures: float) -> None:
        await self.site.publish("campaign:metrics", _figures(campaign_id, **figures))

    def _campaigns(self) -> None:
        for campaign_id in CAMPAIGNS:
            self.add("campaign:metrics", _figures(campaign_id))

    def _personal(self) -> None:
        room = f"user:{USER}"
        spent = {"seo_writer": 31.2, "email_marketer": 6.84, "cmo": 4.1}
        budget = {"used": 42.14, "total": 50.0, "percentage": 84.28, "breakdown": spent}
        warning = {"threshold": 80, "message": "Over 80 % of this month is spent."}
        self.add("budget:updated", budget, room=room)
        self.add("budget:warning", {**warning, "currentUsage": 84.28}, room=room)
        titles = {
            "What a wire remembers": ("blog", "review"),
            "The line that never drops": ("email", "draft"),
            "Spring, in one page": ("landing_page", "published"),
        }
        for number, (title, (type, status)) in enumerate(titles.items()):
            asset = {"id": f"asset-{number}", "title": title, "type": type, "status": status}
            asset |= {"createdAt": self.now - number * HOUR, "updatedAt": self.now}
            self.add("asset:created", {"asset": asset}, room=room)

    def _unbroken(self) -> None:
        """Add events of another user, with words and numbers that are too long for any line."""
        room = f"user:{COLLECTOR}"
        word = "Donaudampfschifffahrtsgesellschaft" * 6
        spent = {f"agent_for_{word}": 12_345_678.9}
        budget = {"used": 12_345_678.9, "total": 1e7, "percentage": 123.4, "breakdown": spent}
        self.add("budget:updated", budget, room=room)
        asset = {"id": word, "title": word, "type": "blog", "status": "draft"}
        asset |= {"createdAt": self.now, "updatedAt": self.now}
        self.add("asset:created", {"asset": asset}, room=room)
        self.add("job:created", {"jobId": UNBROKEN, "title": word, "owner": COLLECTOR})
        error = f'Traceback (most recent call last):\n  File "{word}.py"\nValueError: {word}'
        self.add("job:failed", {"jobId": UNBROKEN, "error": error, "retryable": False})


def _figures(campaign_id: str, **figures: float) -> dict[str, Any]:
    return {"campaignId": campaign_id, "metrics": {**CAMPAIGNS[campaign_id], **figures}}
