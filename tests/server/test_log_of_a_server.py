"""The log of `longwire serve` contains no secrets and no text of clients."""

from __future__ import annotations

import json

from tests.server.raw_websocket import call, sign_in, websocket
from tests.serving import ServerProcess

# A line break with a forged line, and escape sequences for a colour and for clearing the screen.
EVIL = "x\r\n2026-01-01 CRITICAL forged\x1b[31m\x1b[2J"


async def test_the_log_contains_no_token_and_no_line_of_a_client() -> None:
    with ServerProcess("--broker=memory:") as server:
        token = server.token("ada")
        for query in (f"token={token}", f"access_token={token}"):
            path = f"/socket.io/?EIO=4&transport=polling&{query}"
            assert (await server.request("GET", path, token=token)).status_code == 200
            refused = await server.request("GET", f"/api/jobs?{query}", token="none")
            assert refused.status_code == 401
        assert (await server.request("GET", "/api/jobs", token=token[:-2])).status_code == 401
        async with websocket(server.url, f"&token={token}") as client:
            await sign_in(client, token)
            for event in ("join_room", "leave_room", "publish", "auth", EVIL):
                assert await call(client, event, EVIL)
            await client.send("40/" + EVIL.replace("\r\n", "") + ",")
            await client.send("42" + json.dumps([EVIL, {"token": token}]))
            assert await call(client, "ping")
        log = server.read_log()
    assert token not in log
    assert "forged" not in log.replace("\\r\\n2026-01-01 CRITICAL forged", "")
    assert "\x1b" not in log
    assert "\r" not in log
