"""What the guides show, run as a reader would run it."""

from __future__ import annotations

import asyncio
import re
import runpy
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import socketio  # type: ignore[import-untyped]

from longwire import WebSocketClient, issue_token
from longwire.catalog import JobProgress
from longwire.errors import (
    AuthenticationError,
    InvalidEvent,
    InvalidRoom,
    PublishDenied,
    RoomDenied,
)
from longwire.server import Identity
from longwire.wire import PublishRequest
from tests.docs.snippets import ROOT, running, snippets_of
from tests.serving import serving

SECRET = "a secret of thirty-two bytes or more"


async def test_events_merge_as_the_table_says(tmp_path: Path) -> None:
    document = "docs/guides/events.md"
    for name in ("shop.py", "merging.py"):
        (tmp_path / name).write_text(snippets_of(document)[name])
    table = (ROOT / document).read_text("utf-8").partition("| received |")[2].partition("\n\n")[0]
    promised = re.findall(r"^\| `(\S+)` (.*?) \| (\S+) \|", table, re.MULTILINE)

    async with running("python merging.py", tmp_path) as output:
        lines = (await output.read()).decode().splitlines()

    entries = [line for line in lines if not line.startswith(" ")]
    assert len(promised) == 5
    assert entries == [
        f"{covered if '-' in covered else f'{covered}-{covered}'} {event}"
        for event, _, covered in promised
    ]
    values = [line.strip() for line in lines if line.startswith(" ")]
    shown = [value.strip("“”").strip() for event, value, _ in promised if event != "order:shipped"]
    assert sorted(values) == sorted(shown)


def test_a_vocabulary_is_widened_and_an_event_replaced(tmp_path: Path) -> None:
    wider = module_of("docs/guides/events.md", "agents.py", tmp_path)["contract"]
    own = module_of("docs/guides/events.md", "own_agents.py", tmp_path)["contract"]
    status = b'{"agentType": "translator", "status": "ready", "mood": "fine"}'

    assert wider.encode_data("agent:status", status, 1).room == "agent:translator"
    assert own.decode("agent:status", status).mood == "fine"
    with pytest.raises(InvalidEvent):
        wider.decode("agent:status", status.replace(b"translator", b"plumber"))


async def test_a_shared_value(tmp_path: Path) -> None:
    document = "docs/guides/shared-values.md"
    for name in ("plan.py", "changing.py"):
        (tmp_path / name).write_text(snippets_of(document)[name])

    async with running("python changing.py", tmp_path) as output:
        printed = (await output.read()).decode().strip()

    assert f"It prints `{printed}`" in (ROOT / document).read_text("utf-8")


async def test_patches_of_a_value(tmp_path: Path) -> None:
    document = "docs/guides/events.md"
    for name in ("shelf.py", "patching.py"):
        (tmp_path / name).write_text(snippets_of(document)[name])

    async with running("python patching.py", tmp_path) as output:
        printed = (await output.read()).decode().strip()

    assert f"It prints `{printed}`" in (ROOT / document).read_text("utf-8")


async def test_a_rule_reads_claims(tmp_path: Path) -> None:
    server = module_of("docs/guides/rooms.md", "support.py", tmp_path)["server"]
    ada = Identity("ada", claims={"teams": ["sales"]})

    await server.rules.check(ada, "ticket:sales:7")
    await server.rules.check(ada, "lobby")
    await server.rules.check(ada, "global")
    with pytest.raises(RoomDenied):
        await server.rules.check(ada, "ticket:support:7")
    with pytest.raises(RoomDenied):
        await server.rules.check(ada, "user:bob")
    with pytest.raises(InvalidRoom):
        await server.rules.check(ada, "nowhere")


async def test_a_publish_rule_reads_claims(tmp_path: Path) -> None:
    server = module_of("docs/guides/rooms.md", "board.py", tmp_path)["server"]
    data = msgspec.Raw(b'{"team":"sales","card":"1","column":"done"}')
    request = PublishRequest(event="card:moved", data=data)

    admitted = await server.publish_rules.admit(
        Identity("ada", claims={"teams": ["sales"]}), request
    )
    assert admitted == request
    with pytest.raises(PublishDenied):
        await server.publish_rules.admit(Identity("bob"), request)


async def test_routes_with_users_errors_and_a_job(tmp_path: Path) -> None:
    routes = module_of("docs/guides/authentication.md", "routes.py", tmp_path)
    app, server = routes["app"], routes["server"]

    transport = httpx.ASGITransport(app)
    async with server, httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        refused = await http.post("/imports", headers={"authorization": "Bearer nonsense"})
        assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")

        token = issue_token(SECRET, "ada")
        done = await http.post("/imports", headers={"authorization": f"Bearer {token}"})
        assert (done.status_code, done.json()) == (200, {"rows": 42})
        [job] = await server.jobs()
        assert (job.owner, job.status, job.current_step) == ("ada", "completed", "Reading")


async def test_a_job(tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text(snippets_of("docs/guides/jobs.md")["job.py"])
    [promised] = re.findall(r"It prints `(.*?)`", (ROOT / "docs/guides/jobs.md").read_text("utf-8"))

    async with running("python job.py", tmp_path) as output:
        assert (await output.read()).decode() == promised + "\n"


async def test_a_ledger(tmp_path: Path) -> None:
    (tmp_path / "ledger.py").write_text(snippets_of("docs/guides/consumers.md")["ledger.py"])
    text = (ROOT / "docs/guides/consumers.md").read_text("utf-8")
    [promised] = re.findall(r"It prints `(.*?)`", text)

    async with running("python ledger.py", tmp_path) as output:
        assert (await output.read()).decode() == promised + "\n"


async def test_a_stock_client_talks_to_the_server_that_replaced_python_socketio(
    tmp_path: Path,
) -> None:
    document = "docs/guides/from-python-socketio.md"
    chat = module_of(document, "chat.py", tmp_path)
    client = module_of(document, "stock_client.py", tmp_path, socketio=socketio)
    received: list[dict[str, Any]] = []

    async with serving(chat["server"]) as url:
        sio = socketio.AsyncClient()
        sio.on("chat", received.append)
        assert await client["say_hello"](sio, url, issue_token(SECRET, "ada")) == "ok"
        await sio.disconnect()

    [message] = received
    assert {**message, "timestamp": 0} == {
        "room": "lobby",
        "text": "Hello",
        "author": "ada",
        "timestamp": 0,
    }


def module_of(document: str, name: str, folder: Path, **given: Any) -> dict[str, Any]:
    """Run a module of a document; returns what it defines."""
    path = folder / name
    path.write_text(snippets_of(document)[name])
    return runpy.run_path(str(path), init_globals=given, run_name=path.stem)


async def test_revoking_and_occupancy(tmp_path: Path) -> None:
    document = "docs/guides/operations.md"
    revoking = module_of(document, "revoking.py", tmp_path)
    async with revoking["server"] as server:
        token = issue_token(SECRET, "ada", token_id="1")
        await revoking["sign_out"]({"jti": "1"}, "ops")
        with pytest.raises(AuthenticationError, match="revoked"):
            await server.authenticate(token)
        await revoking["sign_out_everywhere"]("bob", "ops")
        await revoking["ban"]("eve", "ops")
        assert [action.user for action in await server.actions()] == ["eve", "bob", None]

    occupancy = module_of(document, "occupancy.py", tmp_path)
    occupied = asyncio.Event()
    server = occupancy["server"]
    server.on_occupied("job:{job_id}")(lambda room, parameters: occupied.set())
    async with serving(server) as url, WebSocketClient(url, token=token) as client:
        await client.join_room("job:1")
        await occupied.wait()
        assert occupancy["following"] == {"1"}
        assert (await server.watchers("job:1")).users == ("ada",)


async def test_the_admin_interface_shows_what_the_rule_allows(tmp_path: Path) -> None:
    example = module_of("docs/guides/admin.md", "operated.py", tmp_path)
    server, secret = example["server"], example["SECRET"]
    async with serving(example["app"]) as url, httpx.AsyncClient(base_url=url) as http:
        await server.publish(JobProgress(job_id="1", progress=5, current_step="secret"))
        path = "/_longwire/api/rooms/job:1"
        assert (await http.get(path)).status_code == 401
        for user, status in (("ada", 403), ("root", 200)):
            headers = {"authorization": f"Bearer {issue_token(secret, user)}"}
            answer = await http.get(path, headers=headers)
            assert answer.status_code == status
    assert [entry["payload"] for entry in answer.json()["entries"]] == [{"progress": 5}]


async def test_the_metrics_are_those_of_the_table(tmp_path: Path) -> None:
    example = module_of("docs/guides/admin.md", "measured.py", tmp_path)
    table = (ROOT / "docs/guides/admin.md").read_text("utf-8").partition("| metric |")[2]
    listed = set(re.findall(r"`(longwire_\w+)`", table.partition("\n\n")[0]))
    async with serving(example["app"]) as url, httpx.AsyncClient(base_url=url) as http:
        text = (await http.get("/metrics/")).text
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    exported = {name for name in types if not name.endswith(("_gcount", "_gsum", "_created"))}
    assert listed == exported
