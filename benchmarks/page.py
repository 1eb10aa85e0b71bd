"""What a page full of running jobs costs the browser that shows it.

    python -m benchmarks.page               a quarter of a minute
    python -m benchmarks.page --quick       a third of it

`longwire serve`, Chromium with the page's list of jobs, and fifty jobs that each tell of progress
and write output, ten times a second each: a thousand events a second in all. Shown are the parts of
one core that the page's scripts take and that its main thread is busy, as Chromium counts them
(`Performance.getMetrics`), the CPU time of the renderer's process, and how many frames it drew. The
bar is scripts in 30 % of one core.
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
    """What the page has cost by now: seconds, and how often."""

    script: float
    task: float
    layout: float
    cpu: float
    frames: int


@contextlib.asynccontextmanager
async def serving(secret: str) -> AsyncGenerator[str]:
    """`longwire serve` for the body: its address."""
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


def beginnings() -> list[dict[str, object]]:
    """The events that have every job running."""
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
    """The events of a tenth of a second."""
    step = f"Step {number}"
    progress = {"progress": number / BEATS % 100, "currentStep": step}
    told = [
        {"event": "job:progress", "data": {"jobId": f"job-{n}", **progress}} for n in range(JOBS)
    ]
    written = [
        {"event": "job:output", "data": {"jobId": f"job-{n}", "chunk": f"{step} of job {n}\n"}}
        for n in range(JOBS)
    ]
    return [*told, *written]


async def publish(http: httpx.AsyncClient, events: list[dict[str, object]]) -> None:
    (await http.post("/api/publish", json=events)).raise_for_status()


async def keep_telling(http: httpx.AsyncClient) -> None:
    """Have the jobs run, at their rate, until cancelled."""
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
    """The cost of a second of the list of jobs."""
    page = await browser.new_page(viewport={"width": 1280, "height": 800})
    session = await page.context.new_cdp_session(page)
    processes = await browser.new_browser_cdp_session()
    await session.send("Performance.enable")
    await publish(http, beginnings())
    telling = asyncio.create_task(keep_telling(http))
    try:
        await page.goto(address)
        await page.evaluate(COUNT_FRAMES)
        await expect(page.get_by_role("progressbar")).to_have_count(JOBS, timeout=30_000)
        await asyncio.sleep(WARM)
        before, since = await cost(session, processes, page), time.monotonic()
        await asyncio.sleep(lap)
        after, took = await cost(session, processes, page), time.monotonic() - since
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
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
    parser = argparse.ArgumentParser(description="What a page of running jobs costs a browser.")
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
