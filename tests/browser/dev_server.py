"""Pages as an application's developer sees them: React's development build, served by Vite."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]
ADDRESS = re.compile(rb"http://127\.0\.0\.1:\d+")


class DevServer:
    """Serves `web/tests/pages`, and hands on what is meant for a Longwire server."""

    def __init__(self, longwire_url: str) -> None:
        self.longwire_url = longwire_url
        self.url = ""
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *(ROOT / "node_modules/.bin/vite", ROOT / "web/tests/pages"),
            *("--config", ROOT / "web/vite.config.ts", "--host=127.0.0.1", "--port=0"),
            env={**os.environ, "LONGWIRE_URL": self.longwire_url, "NO_COLOR": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if found := ADDRESS.search(line):
                self.url = found[0].decode()
                return self
        raise AssertionError("Vite ended before it listened")

    async def __aexit__(self, *exc_info: object) -> None:
        assert self._process is not None
        self._process.terminate()
        await self._process.communicate()
