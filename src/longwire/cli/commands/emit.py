"""`longwire emit`: publish an event."""

import os
import sys
from typing import Any

import click

from longwire.cli.options import SERVER
from longwire.cli.settings import server_url
from longwire.errors import CallRefused


@click.command()
@SERVER
@click.option("--room", help="Room to publish to. [default: the room that the event declares]")
@click.argument("event")
@click.argument("data", metavar="JSON")
def emit(server: str | None, room: str | None, event: str, data: str) -> None:
    """Publish EVENT with the payload JSON, and print its position.

    JSON is an object; - reads it from stdin. The position is printed as {"room", "epoch",
    "offset"}. `longwire types` lists the events and their fields.

    \b
    Examples:
      longwire emit announcement '{"message": "Back in five minutes", "level": "warning"}'
      longwire emit job:cancel '{"jobId": "42"}'
    """
    import asyncio

    # fsencode returns the bytes that the shell passed, whatever the locale is.
    payload = _payload(sys.stdin.buffer.read() if data == "-" else os.fsencode(data))
    click.echo(asyncio.run(_emit(server or server_url(), event, payload, room)))


def _payload(data: bytes) -> dict[str, Any]:
    import msgspec

    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.ValidationError:
        raise click.BadParameter("the payload must be a JSON object.", param_hint="JSON") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise click.BadParameter(f"invalid JSON: {error}.", param_hint="JSON") from None


async def _emit(url: str, event: str, data: dict[str, Any], room: str | None) -> str:
    import msgspec

    from longwire.cli.connection import connect
    from longwire.wire import PUBLISH, PublishAck, PublishRequest, encode

    payload = msgspec.Raw(msgspec.json.encode(data))
    async with connect(url) as client:
        request = PublishRequest(event=event, data=payload, room=room)
        ack = msgspec.convert(await client.call(PUBLISH, encode(request)), PublishAck)
    if ack.error is not None:
        raise CallRefused(ack.error.message, ack.error.code)
    position = {"room": ack.room, "epoch": ack.epoch, "offset": ack.offset}
    return msgspec.json.encode(position).decode()
