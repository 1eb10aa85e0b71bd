"""A page that was built for another contract: server and page both notice."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from longwire import Server, anonymous
from tests.serving import serving

PAGE = Path(__file__).with_name("outdated_page.mjs")
OLD = "0123456789abcdef"


async def open_page(url: str, **options: str) -> dict[str, bool]:
    arguments = json.dumps({"url": url, "options": options})
    page = await asyncio.create_subprocess_exec(
        "node", str(PAGE), arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await page.communicate()
    return json.loads(output)


@pytest.mark.parametrize(("options", "is_old"), [({}, False), ({"contract": OLD}, True)])
async def test_server_and_page_detect_an_outdated_bundle(
    options: dict[str, str], is_old: bool
) -> None:
    server = Server(authenticate=anonymous)
    async with serving(server) as url:
        assert await open_page(url, **options) == {"isOutdated": is_old}
    assert server.fingerprints.others == ({OLD: 1} if is_old else {})
