"""Runs Node programs that serve pages."""

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
    """Run a program of `node_modules/.bin` on a free port; yield the URL that it prints."""
    process = await asyncio.create_subprocess_exec(
        *(ROOT / "node_modules/.bin" / program, *arguments, "--port=0"),
        cwd=cwd,
        # Colour codes would split the URL; Vite prints them in CI.
        env={**os.environ, **environment, "NO_COLOR": "1"},
        stdin=asyncio.subprocess.PIPE,  # Vite exits when its stdin is closed
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
    output_so_far = b""
    async for line in output:
        output_so_far += line
        if found := ADDRESS.search(line):
            return found[0].decode()
    raise AssertionError(f"it exited before it listened; is it built? {output_so_far.decode()}")
