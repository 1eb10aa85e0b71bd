"""A command under `longwire run` that writes lines on request of the test."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.serving import LONGWIRE, SECRET

COMMAND = """
import sys
gate = open(sys.argv[1])
print("begin", flush=True)
for number in range(1, 101):
    gate.readline()
    print(f"line {number}\\n{number}%", flush=True)
print("end", flush=True)
"""


class HundredLines:
    """A live job that writes a hundred numbered lines, each with its progress."""

    def __init__(self, job_id: str, gate: Path) -> None:
        self.job_id = job_id
        self.gate = gate
        self.process: asyncio.subprocess.Process | None = None
        self._open: int | None = None

    async def start(self, url: str) -> None:
        os.mkfifo(self.gate)
        self._open = os.open(self.gate, os.O_RDWR)  # read and write, so that opening does not block
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
