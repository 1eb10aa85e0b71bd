"""A site with an own contract, whose page shows shared values and an outbox; see `board/`."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from fastapi import FastAPI
from msgspec import UNSET, UnsetType
from starlette.staticfiles import StaticFiles

from longwire import CATALOG, Contract, Event, Latest, Merge, Server, WebSocketClient, issue_token
from longwire.codegen import generate_typescript
from longwire.integrations.fastapi import mount
from longwire.server import Identity, jwt_authenticator
from tests.serving import SECRET, serving

ROOT = Path(__file__).resolve().parents[2]
ROOM = "board:1"


class CardMoved(Event, name="card:moved", room="board:{board}", conflate=Latest("card")):
    """A card is in another column."""

    board: str
    card: str
    column: str


class CardDescribed(Event, name="card:described", room="board:{board}", conflate=Merge("card")):
    """The description of a card has changed."""

    board: str
    card: str
    title: str | UnsetType = UNSET
    note: str | UnsetType | None = UNSET
    votes: int | UnsetType = UNSET


class CardRemark(Event, name="card:remark", room="board:{board}"):
    """A remark about the board."""

    board: str
    text: str


CONTRACT = CATALOG | Contract([CardMoved, CardDescribed, CardRemark])


class BoardSite:
    """The running site.

    Attributes:
        url: its address.
        server: its server.
    """

    def __init__(self, url: str, server: Server) -> None:
        self.url = url
        self.server = server

    def address(self, user: str = "ada", *, url: str | None = None) -> str:
        """Return the URL that opens the page as a user, through the proxy `url` if given."""
        return f"{url or self.url}/board/#{issue_token(SECRET, user)}"

    def client(self) -> WebSocketClient:
        """Return a client of a backend, which sees everything."""
        token = issue_token(SECRET, "backend", service=True)
        return WebSocketClient(self.url, token=token, contract=CONTRACT)


def build_page(folder: Path) -> Path:
    """Compile the page with its generated contract, and build it; return the folder to serve."""
    shutil.copytree(Path(__file__).parent / "board", folder, dirs_exist_ok=True)
    contract = generate_typescript(CONTRACT, register=True)
    (folder / "contract.ts").write_text(contract, encoding="utf-8")
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    settings = json.loads((ROOT / "web/tsconfig.json").read_text("utf-8"))
    options = settings["compilerOptions"] | {"types": []}
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options}))
    programs = ROOT / "node_modules/.bin"
    run(programs / "tsc", "-p", folder)
    run(programs / "vite", "build", folder, "--base=./", "--logLevel=warn")
    return folder / "dist"


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@contextlib.asynccontextmanager
async def running_board(page: Path) -> AsyncIterator[BoardSite]:
    """Serve the built page, with a server on which users may change the board."""
    server = Server(contract=CONTRACT, authenticate=jwt_authenticator(SECRET), allowed_origins="*")

    @server.rule("board:{board}")
    def may_enter(identity: Identity, parameters: Mapping[str, str]) -> bool:
        return True

    @server.publish_rule("board:{board}", CardMoved, CardDescribed, CardRemark)
    def may_change(identity: Identity, event: Event) -> bool:
        return True

    app = FastAPI()
    mount(app, server)
    app.mount("/board", StaticFiles(directory=page, html=True))
    async with serving(app) as url:
        yield BoardSite(url, server)
