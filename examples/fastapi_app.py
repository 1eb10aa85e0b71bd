"""A FastAPI application with live events of its own, and jobs that its users watch and cancel.

    export LONGWIRE_SECRET=$(python -c 'import secrets; print(secrets.token_hex(32))')
    uvicorn examples.fastapi_app:app --ws longwire.server.uvicorn:WebSocketProtocol

Then sign in (`POST /login/ada` answers a token), start a report (`POST /reports?topic=tea` with
`Authorization: Bearer <token>`), and watch it: `longwire watch --server http://127.0.0.1:8000 JOB`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException

from longwire import CATALOG, Contract, Event, Latest, Meta, Server
from longwire.errors import AuthenticationError
from longwire.integrations.fastapi import mount
from longwire.server import Identity, Socket, issue_token, jwt_authenticator

SECRET = os.environ["LONGWIRE_SECRET"]
# Pages served from elsewhere that may connect; by default that of examples/nextjs.
ORIGINS = os.environ.get("LONGWIRE_ORIGINS", "http://localhost:3000").split()


class StockChanged(Event, name="stock:changed", room="shop:{shop}", conflate=Latest("product")):
    """How many of a product a shop has; whoever joins late gets one event a product."""

    shop: str
    product: str
    count: Annotated[int, Meta(ge=0)]


class Reservation(Event, name="stock:reserve", origin="client"):
    """A client's wish to put products aside; acknowledged with what is left."""

    shop: str
    product: str
    count: Annotated[int, Meta(ge=1)] = 1


server = Server(
    contract=CATALOG | Contract([StockChanged, Reservation]),
    authenticate=jwt_authenticator(SECRET),
    allowed_origins=ORIGINS,
)
app = FastAPI()
mount(app, server)

stock: dict[tuple[str, str], int] = {}
reports: set[asyncio.Task[None]] = set()


@server.rule("shop:{shop}")
async def may_enter(identity: Identity, parameters: Mapping[str, str]) -> bool:
    """Everybody who is signed in, except where the shop is closed."""
    return parameters["shop"] != "closed"


@server.on(Reservation)
async def reserve(event: Reservation, socket: Socket) -> object:
    """Put products aside, tell everybody in the shop, and answer the one who asked."""
    left = stock.get((event.shop, event.product), 0) - event.count
    if left < 0:
        return {"ok": False, "error": {"code": "sold_out", "message": "not enough left"}}
    await set_stock(event.shop, event.product, left)
    return {"ok": True, "left": left}


async def set_stock(shop: str, product: str, count: int) -> None:
    """Change the stock, and tell everybody in the shop."""
    stock[shop, product] = count
    await server.publish(StockChanged(shop=shop, product=product, count=count))


async def signed_in(authorization: Annotated[str, Header()] = "") -> Identity:
    """Whoever the request's bearer token speaks for."""
    try:
        return await server.authenticate(authorization.removeprefix("Bearer "))
    except AuthenticationError as error:
        raise HTTPException(401, str(error)) from None


User = Annotated[Identity, Depends(signed_in)]


@app.post("/login/{user}")
async def login(user: str) -> dict[str, str]:
    """Answer a token. A real application asks for a password first."""
    return {"token": issue_token(SECRET, user)}


@app.put("/shops/{shop}/{product}")
async def deliver(shop: str, product: str, count: int, user: User) -> None:
    """Take a delivery."""
    await set_stock(shop, product, count)


@app.post("/reports", status_code=202)
async def start_report(topic: str, user: User, seconds: float = 2.0) -> dict[str, str]:
    """Start writing a report, so many seconds a chapter; the answer names the job to watch."""
    job = server.job(owner=user.user_id, title=f"Report about {topic}")

    async def write() -> None:
        async with job:
            for number in range(1, 6):
                await job.progress(number * 20, f"Chapter {number}")
                await job.output(f"Chapter {number}: more about {topic}.\n", type="writing")
                await asyncio.sleep(seconds)
            await job.complete({"content": f"All about {topic}"}, cost=0.05)

    task = asyncio.create_task(write())
    reports.add(task)
    task.add_done_callback(reports.discard)
    return {"jobId": job.id}
