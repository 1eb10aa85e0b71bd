"""A page in real Chromium beside `longwire run` in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.proxy import Proxy
from tests.serving import LONGWIRE, SECRET, ServerProcess

pytestmark = pytest.mark.timeout(60)

COMMAND = """
import sys
gate = open(sys.argv[1])
print("begin", flush=True)
for number in range(1, 101):
    gate.readline()
    print(f"line {number}\\n{number}%", flush=True)
print("end", flush=True)
"""


class Run:
    """A `longwire run` whose command writes its next lines when the test lets it."""

    def __init__(self, job_id: str, gate: Path) -> None:
        self.job_id = job_id
        self.gate = gate
        self.process: asyncio.subprocess.Process | None = None
        self._open: int | None = None

    async def start(self, url: str) -> None:
        os.mkfifo(self.gate)
        self._open = os.open(self.gate, os.O_RDWR)  # read and write: neither side waits to open
        self.process = await asyncio.create_subprocess_exec(
            *(LONGWIRE, "run", "--server", url),
            *("--job-id", self.job_id, "--title", "A hundred lines", "--"),
            *(sys.executable, "-c", COMMAND, str(self.gate)),
            env={**os.environ, "LONGWIRE_SECRET": SECRET},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    def step(self, lines: int = 1) -> None:
        assert self._open is not None
        os.write(self._open, b"\n" * lines)

    async def exit_code(self) -> int:
        assert self.process is not None
        await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode

    async def close(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.communicate()
        if self._open is not None:
            os.close(self._open)


@pytest.fixture
async def run(running_server: ServerProcess, tmp_path: Path) -> AsyncIterator[Run]:
    run = Run(f"hundred-{uuid.uuid4()}", tmp_path / "gate")
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(run.close)
        await run.start(running_server.url)
        yield run


@pytest.fixture
def address(running_server: ServerProcess) -> Callable[[str], str]:
    """The address that signs in and opens a job."""

    def address(job_id: str) -> str:
        token = running_server.token("worker", service=True)
        return f"{running_server.url}/#token={token}&to=/jobs/{job_id}"

    return address


def output(page: Page) -> Locator:
    return page.get_by_role("log", name="Output")


async def lines(page: Page) -> list[str]:
    """The numbered lines that the page shows."""
    text = await output(page).inner_text()
    return [line for line in text.split("\n") if line.startswith("line ")]


async def expect_lines(page: Page, last: int) -> None:
    await expect(output(page)).to_contain_text(f"{last}%")
    assert await lines(page) == [f"line {number}" for number in range(1, last + 1)]


async def test_a_page_shows_a_running_command_live(
    page: Page, run: Run, address: Callable[[str], str]
) -> None:
    await page.goto(address(run.job_id))
    await expect(output(page)).to_contain_text("begin")

    run.step(10)
    await expect_lines(page, 10)
    await expect(page.get_by_role("progressbar")).to_have_attribute("value", "10")

    run.step(90)
    await expect_lines(page, 100)
    assert await run.exit_code() == 0
    await expect(page.get_by_text("Completed").first).to_be_visible()


async def test_a_page_opened_halfway_shows_all_that_was_missed(
    page: Page, run: Run, address: Callable[[str], str]
) -> None:
    run.step(50)
    await page.goto(address(run.job_id))
    await expect_lines(page, 50)

    run.step(50)
    await expect_lines(page, 100)


async def test_a_reload_loses_nothing_and_doubles_nothing(
    page: Page, run: Run, address: Callable[[str], str]
) -> None:
    await page.goto(address(run.job_id))
    run.step(30)
    await expect_lines(page, 30)

    run.step(10)
    await page.reload()
    run.step(10)

    await expect_lines(page, 50)


async def test_a_page_whose_link_is_cut_catches_up(
    page: Page, run: Run, running_server: ServerProcess, address: Callable[[str], str]
) -> None:
    async with Proxy(running_server.url) as proxy:
        await page.goto(address(run.job_id).replace(running_server.url, proxy.url))
        run.step(20)
        await expect_lines(page, 20)

        proxy.refuse()
        proxy.cut()
        run.step(20)
        await expect(page.get_by_text("Reconnecting").first).to_be_visible()
        proxy.accept()

        await expect_lines(page, 40)


async def test_the_cancel_button_asks_and_stops_the_command(
    page: Page, run: Run, address: Callable[[str], str]
) -> None:
    await page.goto(address(run.job_id))
    await expect(output(page)).to_contain_text("begin")
    cancel = page.get_by_role("button", name="Cancel job")

    await cancel.press("Enter")
    await page.keyboard.press("Escape")
    await expect(cancel).to_be_focused()
    await cancel.click()
    await page.get_by_role("button", name="Stop it").click()

    await expect(cancel).to_be_hidden()
    await expect(page.get_by_text("Cancelled").first).to_be_visible()
    assert await run.exit_code() != 0
