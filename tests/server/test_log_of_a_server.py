"""What `longwire serve` writes to its log: no secrets, and nothing in other people's words."""

from __future__ import annotations

import json

from tests.server.raw_websocket import call, sign_in, websocket
from tests.serving import ServerProcess

# A line of its own, a colour, and the end of the log for a terminal.
EVIL = "x\r\n2026-01-01 CRITICAL forged\x1b[31m\x1b[2J"


async def test_it_holds_no_token_and_no_line_that_a_client_made_up() -> None:
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
        said = server.read_log()
    assert token not in said
    assert "forged" not in said.replace("\\r\\n2026-01-01 CRITICAL forged", "")
    assert "\x1b" not in said
    assert "\r" not in said
