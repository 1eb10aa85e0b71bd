"""The types of the server. Checked by mypy and pyright, never run."""

from __future__ import annotations

from typing import Any, assert_type

from longwire import Identity, Server, jwt_authenticator
from longwire.catalog import JobCancel, JobOutput
from longwire.server import Socket

signed = jwt_authenticator("secret")


async def verify(token: str) -> Identity:
    return assert_type(await signed(token), Identity)


server = Server(authenticate=verify)
Server(authenticate=lambda token: Identity(token) if token else None)


@server.on(JobCancel)
async def waits(event: JobCancel, socket: Socket) -> dict[str, str]:
    return {"user": socket.identity.user_id}


@server.on("say")
def answers(args: list[Any], socket: Socket) -> int:
    return len(args)


server.on(JobOutput)(waits)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
server.rule("campaign:{campaign_id}")(lambda identity, parameters: identity.service)
