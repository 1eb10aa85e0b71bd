"""`longwire top`: show connections, rooms and jobs of running servers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final

import click

from longwire.cli.options import UserName
from longwire.cli.settings import DEFAULT_URL, local_user, require_secret, server_url
from longwire.tokens import issue_token

VIEWS: Final = ("overview", "connections", "rooms", "jobs")


@click.command()
@click.option(
    "--view",
    type=click.Choice(VIEWS),
    default="overview",
    show_default=True,
    help="View to show first.",
)
@click.option(
    "--sort",
    metavar="MEMBER",
    default="",
    help="Member of the JSON to sort by, such as user, or -lag for the largest first.",
)
@click.option("--search", metavar="TEXT", default="", help="Text that a row must contain.")
@click.option(
    "--limit",
    type=click.IntRange(1, 500),
    default=50,
    show_default=True,
    help="Number of rows to ask for.",
)
@click.option(
    "--interval",
    type=click.FloatRange(0.5, 3600),
    default=2.0,
    show_default=True,
    help="Seconds between two pages.",
)
@click.option(
    "--user", type=UserName(), help="Operator to sign in as. [default: the user of this machine]"
)
@click.option("--json", "as_json", is_flag=True, help="Print one page as JSON, and exit.")
@click.argument("url", metavar="[URL]", required=False)
def top(
    view: str,
    sort: str,
    search: str,
    limit: int,
    interval: float,
    user: str | None,
    as_json: bool,
    url: str | None,
) -> int:
    """Show connections, rooms and jobs of running servers in the terminal.

    URL is a server, or its admin interface if that is not at /_longwire. The default is
    $LONGWIRE_URL. The token is LONGWIRE_TOKEN, or one for the operator that is signed with the
    secret of this machine. The server must know the operator: `longwire serve --admin USER`.

    The keys o, c, r and j show the overview, connections, rooms and jobs; the space bar pauses,
    and q or Ctrl-C ends it. If stdout is not a terminal, one page is printed.

    \b
    Examples:
      longwire top
      longwire top --view connections --sort -rooms https://example.com
      longwire top --json --view jobs | jq '.jobs[].title'
    """
    import asyncio

    from rich.console import Console

    from longwire.cli.top.pages import Pages
    from longwire.cli.top.screen import Query, print_once, show

    name = user or local_user()
    pages = Pages(url or server_url() or DEFAULT_URL, name, _token(name))
    query = Query(sort=sort, limit=limit, search=search)
    if as_json or not sys.stdout.isatty():
        asyncio.run(print_once(pages, view, query, None if as_json else Console()))
        return 0
    return asyncio.run(show(pages, view, query, interval))


def _token(user: str) -> Callable[[], str]:
    given = os.environ.get("LONGWIRE_TOKEN")
    if given:
        return lambda: given
    secret = require_secret()
    return lambda: issue_token(secret, user)
