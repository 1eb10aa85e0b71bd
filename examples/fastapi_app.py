"""A FastAPI application with its own events, and with jobs that its users watch and cancel.

    export LONGWIRE_SECRET=$(python -c 'import secrets; print(secrets.token_hex(32))')
    uvicorn examples.fastapi_app:app --ws longwire.server.uvicorn:WebSocketProtocol

Then sign in (`POST /login/ada` returns a token), start a report (`POST /reports?topic=tea` with
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
# The origins of pages that may connect; by default the page of examples/nextjs.
ORIGINS = os.environ.get("LONGWIRE_ORIGINS", "http://localhost:3000").split()


class StockChanged(Event, name="stock:changed", room="shop:{shop}", conflate=Latest("product")):
    """The stock of a product changed. A late joiner receives the newest event for each product."""

    shop: str
    product: str
    count: Annotated[int, Meta(ge=0)]


class Reservation(Event, name="stock:reserve", origin="client"):
    """A client reserves products; the acknowledgement tells how many are left."""

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
    """Allow every signed-in user, unless the shop is closed."""
    return parameters["shop"] != "closed"


@server.on(Reservation)
async def reserve(event: Reservation, socket: Socket) -> object:
    """Reserve products and publish the new stock; the return value is the acknowledgement."""
    left = stock.get((event.shop, event.product), 0) - event.count
    if left < 0:
        return {"ok": False, "error": {"code": "sold_out", "message": "not enough left"}}
    await set_stock(event.shop, event.product, left)
    return {"ok": True, "left": left}


async def set_stock(shop: str, product: str, count: int) -> None:
    """Change the stock, and publish it to the shop's room."""
    stock[shop, product] = count
    await server.publish(StockChanged(shop=shop, product=product, count=count))


async def signed_in(authorization: Annotated[str, Header()] = "") -> Identity:
    """Return the user of the request's bearer token."""
    try:
        return await server.authenticate(authorization.removeprefix("Bearer "))
    except AuthenticationError as error:
        raise HTTPException(401, str(error)) from None


User = Annotated[Identity, Depends(signed_in)]


@app.post("/login/{user}")
async def login(user: str) -> dict[str, str]:
    """Return a token. A real application would check a password first."""
    return {"token": issue_token(SECRET, user)}


@app.put("/shops/{shop}/{product}")
async def deliver(shop: str, product: str, count: int, user: User) -> None:
    """Set the stock of a product."""
    await set_stock(shop, product, count)


@app.post("/reports", status_code=202)
async def start_report(topic: str, user: User, seconds: float = 2.0) -> dict[str, str]:
    """Start a report that takes `seconds` per chapter; return the id of its job."""
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
