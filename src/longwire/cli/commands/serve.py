"""`longwire serve`: the server, its HTTP interface and the web page."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import click

from longwire.cli.settings import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    NoSecret,
    durable_broker,
    ensure_secret,
)

if TYPE_CHECKING:
    from longwire.server import Server


@click.command()
@click.option("--host", default=DEFAULT_HOST, show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="The port; 0 takes a free one.",
)
@click.option(
    "--broker",
    metavar="URL",
    envvar="LONGWIRE_BROKER",
    show_envvar=True,
    help="Where the logs are: memory:, sqlite:///FILE, or redis://HOST:PORT/DATABASE, which "
    "several servers may share. By default a file for this port in the user's state directory; "
    "memory: if the port is 0.",
)
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="Where a web page is that may use this server too, such as https://app.example.com; may "
    "be given again. * allows every page.",
)
@click.option("--dev", is_flag=True, help="Make and keep a secret if LONGWIRE_SECRET is not set.")
def serve(host: str, port: int, broker: str | None, origins: tuple[str, ...], dev: bool) -> int:
    """Serve until a signal stops it.

    Prints "Listening on http://HOST:PORT" when it is ready. SIGTERM tells every client to come
    back later, and exits with 0.
    """
    import asyncio

    from uvicorn.loops.auto import auto_loop_factory  # uvloop's, where that is installed

    secret = ensure_secret() if dev else _given_secret()
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        broker = broker or durable_broker("serve", port)
        return runner.run(_serve(host, port, broker, secret, origins))


def _given_secret() -> str:
    secret = os.environ.get("LONGWIRE_SECRET")
    if not secret:
        raise NoSecret("set LONGWIRE_SECRET, or use --dev on your own machine")
    return secret


async def _serve(host: str, port: int, broker: str, secret: str, origins: tuple[str, ...]) -> int:
    import asyncio

    from longwire.cli.embedded_server import listening, make_server
    from longwire.cli.signals import stopping
    from longwire.server import jwt_authenticator

    authenticate = jwt_authenticator(secret)

    def make(port: int) -> Server:
        return make_server(broker, authenticate, origins)

    with stopping() as stop:
        try:
            async with listening(make, host, port, origins=origins) as (url, _):
                click.echo(f"Listening on {url}")
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            if stop.signal is None:
                raise
    return 0 if stop.signal is signal.SIGTERM else stop.exit_code
