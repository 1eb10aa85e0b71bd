"""`longwire serve`: run the server, its HTTP interface and the web page."""

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
@click.option("--host", default=DEFAULT_HOST, show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port to listen on; 0 picks a free one.",
)
@click.option(
    "--broker",
    metavar="URL",
    envvar="LONGWIRE_BROKER",
    show_envvar=True,
    help="Where to keep the logs: memory:, sqlite:///FILE or redis://HOST:PORT/DATABASE. Several "
    "servers can share a Redis. [default: an SQLite file for this port in the user's state "
    "directory; memory: with --port 0]",
)
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="Origin of a web page that may use this server, for example https://app.example.com. "
    "Repeat the option for more; * allows every origin.",
)
@click.option("--dev", is_flag=True, help="Without LONGWIRE_SECRET, use a development secret.")
def serve(host: str, port: int, broker: str | None, origins: tuple[str, ...], dev: bool) -> int:
    """Run the server until a signal stops it.

    Prints "Listening on http://HOST:PORT" when it is ready. SIGTERM disconnects every client with
    advice to reconnect later, and exits with 0.
    """
    import asyncio

    from uvicorn.loops.auto import auto_loop_factory  # uvloop, if it is installed

    secret = ensure_secret() if dev else _given_secret()
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        broker = broker or durable_broker("serve", port)
        return runner.run(_serve(host, port, broker, secret, origins))


def _given_secret() -> str:
    secret = os.environ.get("LONGWIRE_SECRET")
    if not secret:
        raise NoSecret("set LONGWIRE_SECRET, or pass --dev for local development")
    return secret


async def _serve(host: str, port: int, broker: str, secret: str, origins: tuple[str, ...]) -> int:
    import asyncio

    from longwire.cli.embedded_server import make_server, run_server
    from longwire.cli.signals import handle_stop_signals
    from longwire.server import jwt_authenticator

    authenticate = jwt_authenticator(secret)

    def make(port: int) -> Server:
        return make_server(broker, authenticate, origins)

    with handle_stop_signals() as stop:
        try:
            async with run_server(make, host, port, origins=origins) as (url, _):
                click.echo(f"Listening on {url}")
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            if stop.signal is None:
                raise
    return 0 if stop.signal is signal.SIGTERM else stop.exit_code
