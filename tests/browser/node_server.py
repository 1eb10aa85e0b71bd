"""Programs under Node that serve pages."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = re.compile(rb"http://127\.0\.0\.1:\d+")


@contextlib.asynccontextmanager
async def node_server(
    program: str, *arguments: str | Path, cwd: Path = ROOT, **environment: str
) -> AsyncIterator[str]:
    """Run a program of `node_modules/.bin` on a free port; yield the address that it names."""
    process = await asyncio.create_subprocess_exec(
        *(ROOT / "node_modules/.bin" / program, *arguments, "--port=0"),
        cwd=cwd,
        # An address in two colours is not found; CI is enough for Vite to write one.
        env={**os.environ, **environment, "NO_COLOR": "1"},
        stdin=asyncio.subprocess.PIPE,  # Vite ends with its input
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        yield await _address(process.stdout)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()


async def _address(output: asyncio.StreamReader) -> str:
    said = b""
    async for line in output:
        said += line
        if found := ADDRESS.search(line):
            return found[0].decode()
    raise AssertionError(f"it ended before it listened; was it built? {said.decode()}")
