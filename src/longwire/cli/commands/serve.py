"""`longwire serve`: run the server, its HTTP interface and the web page."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from longwire.cli.settings import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    NoSecret,
    durable_broker,
    ensure_secret,
    local_user,
)

if TYPE_CHECKING:
    from longwire.server import Server


# The default of Limits.drain_seconds; importing the server would delay `longwire serve --help`.
DRAIN_SECONDS: Final = 8.0

# Seconds: longer than a Redis needs to load some gigabytes.
START_TIMEOUT: Final = 300.0


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
@click.option(
    "--drain-seconds",
    type=click.FloatRange(min=0),
    default=DRAIN_SECONDS,
    show_default=True,
    help="Time in which a server that stops moves its clients to other servers; 0 disconnects all "
    "of them at once. Its supervisor must wait for longer, by at least 5 s.",
)
@click.option(
    "--start-timeout",
    type=click.FloatRange(min=0),
    default=START_TIMEOUT,
    show_default=True,
    help="Seconds to wait for a Redis that cannot be reached yet, answering with 503; then the "
    "command exits with 1. A rejected password ends it at once.",
)
@click.option(
    "--admin",
    "operators",
    multiple=True,
    metavar="USER",
    help="User who may use the admin page at /_longwire, actions included. Repeat the option for "
    "more. Without it there is no admin page.",
)
@click.option(
    "--dev",
    is_flag=True,
    help="Without LONGWIRE_SECRET, use a development secret. Makes the user of this machine an "
    "operator, as --admin does.",
)
def serve(
    host: str,
    port: int,
    broker: str | None,
    origins: tuple[str, ...],
    drain_seconds: float,
    start_timeout: float,
    operators: tuple[str, ...],
    dev: bool,
) -> int:
    """Run the server until a signal stops it.

    Prints "Listening on http://HOST:PORT" when it listens. `/readyz` answers 200 when it takes
    clients. SIGTERM moves every client to another server, in batches, and exits with 0; a second
    signal disconnects the rest at once.
    """
    import asyncio

    from uvicorn.loops.auto import auto_loop_factory  # uvloop, if it is installed

    secret = ensure_secret() if dev else _given_secret()
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        broker = broker or durable_broker("serve", port)
        if dev:
            operators = (*operators, local_user())
        options = Options(
            host, port, broker, secret, origins, drain_seconds, start_timeout, operators
        )
        return runner.run(_serve(options))


def _given_secret() -> str:
    secret = os.environ.get("LONGWIRE_SECRET")
    if not secret:
        raise NoSecret("set LONGWIRE_SECRET, or pass --dev for local development")
    return secret


class Options(NamedTuple):
    """The options of `longwire serve`, defaults filled in."""

    host: str
    port: int
    broker: str
    secret: str
    origins: tuple[str, ...]
    drain_seconds: float
    start_timeout: float
    operators: tuple[str, ...]


async def _serve(options: Options) -> int:
    import asyncio

    from longwire.cli.embedded_server import make_server, run_server
    from longwire.cli.signals import handle_stop_signals
    from longwire.server import Limits, jwt_authenticator

    authenticate = jwt_authenticator(options.secret)
    limits = Limits(drain_seconds=options.drain_seconds)
    origins = options.origins

    def make(port: int) -> Server:
        return make_server(options.broker, authenticate, origins, limits)

    with handle_stop_signals() as stop:
        try:
            running = run_server(
                make, options.host, options.port, origins=origins, operators=options.operators
            )
            async with running as (url, server):
                click.echo(f"Listening on {url}")
                await server.wait_started(options.start_timeout)
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            if stop.signal is None:
                raise
    return 0 if stop.signal is signal.SIGTERM else stop.exit_code
