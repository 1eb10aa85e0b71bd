"""The CPU time that a page of running jobs costs a browser.

    python -m benchmarks.page               15 seconds
    python -m benchmarks.page --quick       5 seconds

Chromium shows the list of jobs of `longwire serve`. Fifty jobs publish progress and output, ten
times a second each: a thousand events a second. The figures are the shares of one core that the
page's scripts and its main thread use, as Chromium counts them (`Performance.getMetrics`), the CPU
time of the renderer process, and the number of frames. The bar is 30 % of one core for scripts.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import NamedTuple

import httpx
from playwright.async_api import Browser, CDPSession, Page, async_playwright, expect

from longwire import issue_token

JOBS = 50
BEATS = 10  # a second; each is one event of progress and one of output for every job
SECONDS = 10.0
WARM = 2.0
BAR = 0.30
LISTENING = re.compile(rb"Listening on (http://\S+)")
CHROMIUM = ["--no-sandbox", "--no-proxy-server", "--disable-background-networking"]
COUNT_FRAMES = """() => {
  window.frames_drawn = 0;
  const count = () => { window.frames_drawn++; requestAnimationFrame(count); };
  requestAnimationFrame(count);
}"""


class Cost(NamedTuple):
    """The cost of the page so far: seconds, and number of frames."""

    script: float
    task: float
    layout: float
    cpu: float
    frames: int


@contextlib.asynccontextmanager
async def serving(secret: str) -> AsyncGenerator[str]:
    """Run `longwire serve` for the duration of the body; yield its URL."""
    process = await asyncio.create_subprocess_exec(
        *(Path(sys.executable).with_name("longwire"), "serve", "--port=0", "--broker=memory:"),
        env={**os.environ, "LONGWIRE_SECRET": secret, "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            if found := LISTENING.search(line):
                yield found[1].decode()
                break
    finally:
        process.terminate()
        await process.communicate()


def starting_events() -> list[dict[str, object]]:
    """Return the events that start all jobs."""
    created = [
        {"event": "job:created", "data": {"jobId": f"job-{n}", "title": f"Job {n}", "owner": "ada"}}
        for n in range(JOBS)
    ]
    running = [
        {"event": "job:status", "data": {"jobId": f"job-{n}", "status": "running"}}
        for n in range(JOBS)
    ]
    return [*created, *running]


def beat(number: int) -> list[dict[str, object]]:
    """Return the events of a tenth of a second."""
    step = f"Step {number}"
    progress = {"progress": number / BEATS % 100, "currentStep": step}
    progressed = [
        {"event": "job:progress", "data": {"jobId": f"job-{n}", **progress}} for n in range(JOBS)
    ]
    written = [
        {"event": "job:output", "data": {"jobId": f"job-{n}", "chunk": f"{step} of job {n}\n"}}
        for n in range(JOBS)
    ]
    return [*progressed, *written]


async def publish(http: httpx.AsyncClient, events: list[dict[str, object]]) -> None:
    (await http.post("/api/publish", json=events)).raise_for_status()


async def keep_publishing(http: httpx.AsyncClient) -> None:
    """Publish the jobs' events at their rate until cancelled."""
    begun = time.monotonic()
    for number in range(1, 1_000_000):
        await publish(http, beat(number))
        await asyncio.sleep(begun + number / BEATS - time.monotonic())


async def cost(session: CDPSession, processes: CDPSession, page: Page) -> Cost:
    answer = await session.send("Performance.getMetrics")
    metrics = {metric["name"]: metric["value"] for metric in answer["metrics"]}
    running = (await processes.send("SystemInfo.getProcessInfo"))["processInfo"]
    return Cost(
        metrics["ScriptDuration"],
        metrics["TaskDuration"],
        metrics["LayoutDuration"] + metrics["RecalcStyleDuration"],
        sum(process["cpuTime"] for process in running if process["type"] == "renderer"),
        await page.evaluate("window.frames_drawn"),
    )


async def measure(browser: Browser, http: httpx.AsyncClient, address: str, lap: float) -> Cost:
    """Return the cost of showing the list of jobs for one second."""
    page = await browser.new_page(viewport={"width": 1280, "height": 800})
    session = await page.context.new_cdp_session(page)
    processes = await browser.new_browser_cdp_session()
    await session.send("Performance.enable")
    await publish(http, starting_events())
    publishing = asyncio.create_task(keep_publishing(http))
    try:
        await page.goto(address)
        await page.evaluate(COUNT_FRAMES)
        await expect(page.get_by_role("progressbar")).to_have_count(JOBS, timeout=30_000)
        await asyncio.sleep(WARM)
        before, since = await cost(session, processes, page), time.monotonic()
        await asyncio.sleep(lap)
        after, took = await cost(session, processes, page), time.monotonic() - since
    finally:
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
    return Cost(*((end - start) / took for start, end in zip(before, after, strict=True)))


async def run(lap: float) -> Cost:
    secret = secrets.token_hex(32)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("Chromium is missing: make setup")
    bearer = {"authorization": f"Bearer {issue_token(secret, 'backend', service=True)}"}
    async with (
        serving(secret) as url,
        httpx.AsyncClient(base_url=url, headers=bearer, trust_env=False) as http,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        try:
            return await measure(browser, http, f"{url}/#token={issue_token(secret, 'ada')}", lap)
        finally:
            await browser.close()


def main() -> int:
    parser = argparse.ArgumentParser(
        description="The CPU time that a page of running jobs costs a browser."
    )
    parser.add_argument("--quick", action="store_true")
    spent = asyncio.run(run(SECONDS / 3 if parser.parse_args().quick else SECONDS))
    print(f"{JOBS} running jobs, {JOBS * BEATS * 2} events a second, on one page")
    print(f"  scripts        {spent.script:6.1%} of one core (bar: {BAR:.0%})")
    print(f"  style, layout  {spent.layout:6.1%}")
    print(f"  main thread    {spent.task:6.1%}")
    print(f"  renderer CPU   {spent.cpu:6.1%}")
    print(f"  frames         {spent.frames:6.0f} a second")
    return 0 if spent.script <= BAR else 1


if __name__ == "__main__":
    raise SystemExit(main())
