"""`longwire emit`: publish one event."""

from __future__ import annotations

from typing import Any

import click

from longwire.cli.settings import server_url, service_token
from longwire.errors import CallRefused


@click.command()
@click.argument("event")
@click.argument("data", metavar="JSON")
@click.option("--room", help="The room, where the event does not tell it.")
def emit(event: str, data: str, room: str | None) -> None:
    """Publish EVENT with the payload JSON, and print its position.

    The position is one JSON object: {"room", "epoch", "offset"}.
    """
    import asyncio

    click.echo(asyncio.run(_emit(event, _payload(data), room)))


def _payload(data: str) -> dict[str, Any]:
    import msgspec

    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.ValidationError:
        raise click.BadParameter("the payload is one JSON object", param_hint="JSON") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise click.BadParameter(f"this is no JSON: {error}", param_hint="JSON") from None


async def _emit(event: str, data: dict[str, Any], room: str | None) -> str:
    import msgspec

    from longwire.cli.connection import connected

    request = {"event": event, "data": data} | ({} if room is None else {"room": room})
    async with connected(server_url(), service_token()) as client:
        answer = await client.call("publish", request)
    if not answer["ok"]:
        raise CallRefused(answer["error"]["message"], answer["error"]["code"])
    position = {name: answer[name] for name in ("room", "epoch", "offset")}
    return msgspec.json.encode(position).decode()
