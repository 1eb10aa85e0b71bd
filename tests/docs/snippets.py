"""The snippets of a document, run as a reader would run them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNNING = re.compile(rb"running on (http://\S+)")
_BLOCK = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)


def snippets_of(document: str) -> dict[str, str]:
    """Return the titled blocks of a document of this repository."""
    return dict(_BLOCK.findall((ROOT / document).read_text("utf-8")))


@contextlib.asynccontextmanager
async def running(command: str, folder: Path) -> AsyncIterator[asyncio.StreamReader]:
    """Run lines of a document in a shell; yields what they print."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", command),
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "LONGWIRE_SECRET": "0123456789abcdef" * 4,
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        await process.wait()


async def read_until(output: asyncio.StreamReader, pattern: re.Pattern[bytes]) -> re.Match[bytes]:
    """Read lines until one matches."""
    printed = b""
    async for line in output:
        printed += line
        found = pattern.search(line)
        if found:
            return found
    raise AssertionError(printed.decode())
