"""`longwire contract`: export contracts, and compare two versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from longwire.cli.contract_argument import describe_argument

if TYPE_CHECKING:
    from longwire.schema.comparison import Change


@click.group()
def contract() -> None:
    """Export contracts, and compare two versions of one."""


@contract.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="File to write instead of stdout.",
)
@click.argument("name", metavar="[MODULE:CONTRACT]", required=False)
def export(out: Path | None, name: str | None) -> None:
    """Print a contract as JSON, for `longwire contract diff`.

    The default is longwire.CATALOG. Keep the file in your repository, and compare it with the
    contract before each release.

    \b
    Example:
      longwire contract export app:server --out contract.json
    """
    import msgspec

    data = msgspec.json.format(msgspec.json.encode(describe_argument(name)), indent=1)
    if out is None:
        click.echo(data)
    else:
        out.write_bytes(data + b"\n")


@contract.command()
@click.argument("old")
@click.argument("new")
def diff(old: str, new: str) -> int:
    """List the changes between two contracts; exit with 1 if one is breaking.

    OLD and NEW are exported files, or MODULE:CONTRACT. A change is breaking if clients, workers or
    retained logs of the old contract can fail with it.

    \b
    Example:
      longwire contract diff contract.json app:server
    """
    from longwire.schema.comparison import compare_contracts

    changes = compare_contracts(describe_argument(old), describe_argument(new))
    for change in changes:
        click.echo(_line(change))
    breaking = sum(change.is_breaking for change in changes)
    click.echo(f"{breaking} breaking, {len(changes) - breaking} compatible")
    return 1 if breaking else 0


def _line(change: Change) -> str:
    return f"{'breaking  ' if change.is_breaking else 'compatible'}  {change.where}: {change.what}"
