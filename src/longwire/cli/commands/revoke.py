"""`longwire revoke`: refuse a user or a token on all servers."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import click
from click import Context, Parameter

from longwire.cli.options import SERVER, UserName
from longwire.cli.settings import server_url
from longwire.clock import clock
from longwire.types import override


class Moment(click.ParamType[float]):
    """A time such as `now` or `2026-12-01T09:30`; its value is in seconds since the epoch."""

    name = "time"

    @override
    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> float:
        if value == "now":
            return clock.time()
        try:
            return datetime.fromisoformat(str(value)).astimezone().timestamp()
        except (ValueError, OverflowError):
            self.fail(f"{value!r} must be now, or a time such as 2026-12-01T09:30.", param, ctx)


@click.command()
@SERVER
@click.option(
    "--broker",
    metavar="URL",
    help="Revoke through the servers' broker, redis://HOST:PORT/DATABASE, instead of a server. "
    "With sqlite:///FILE no server may use the file.",
)
@click.option("--user", type=UserName(), help="Refuse every token of this user.")
@click.option(
    "--issued-before",
    type=Moment(),
    metavar="TIME",
    help="With --user: refuse only the tokens issued before this time: now, or 2026-12-01T09:30.",
)
@click.option("--token-id", metavar="ID", help="Refuse the token with this id, its claim jti.")
@click.option("--token", metavar="TOKEN", help="Refuse this token; - reads it from stdin.")
@click.option("--undo", is_flag=True, help="End what was revoked for the user or the token.")
def revoke(
    server: str | None,
    broker: str | None,
    user: str | None,
    issued_before: float | None,
    token_id: str | None,
    token: str | None,
    undo: bool,
) -> None:
    """Refuse a user or a token on all servers, and end their connections.

    The connections end at once, and clients do not come back with that token. Servers that cannot
    be reached learn of it before they accept anyone again.

    \b
    Examples:
      longwire revoke --user ada                        ban a user
      longwire revoke --user ada --issued-before now    sign a user out everywhere
      longwire revoke --user ada --undo                 let the user in again
      longwire revoke --token - < leaked.txt            refuse one token
    """
    import asyncio

    from longwire.cli.revoking import Target, claims_of, revoke_in_broker, revoke_on_server

    if sum(value is not None for value in (user, token_id, token)) != 1:
        raise click.UsageError("pass exactly one of --user, --token-id and --token.")
    if issued_before is not None and (user is None or undo):
        raise click.UsageError("--issued-before goes with --user, and not with --undo.")
    if server is not None and broker is not None:
        raise click.UsageError("pass --server or --broker, not both.")
    expires_at = None
    if token is not None:
        claims = claims_of(sys.stdin.read() if token == "-" else token)  # noqa: S105 - not one
        if claims is None:
            raise click.BadParameter("it has no id (jti): use --user.", param_hint="--token")
        token_id, expires_at = claims
    target = Target(user, token_id, issued_before, expires_at)
    if broker is None:
        revoke_on_server(server or server_url(), target, undo=undo)
    else:
        asyncio.run(revoke_in_broker(broker, target, undo=undo))
    name = f"user {user}" if user is not None else f"token {token_id}"
    click.echo(f"{'Reinstated' if undo else 'Revoked'} {name}.")
