"""`longwire asyncapi`: print a contract as an AsyncAPI document."""

from __future__ import annotations

from pathlib import Path

import click

from longwire.cli.contract_argument import import_contract


@click.command()
@click.option("--title", default="Longwire", show_default=True, help="Title of the document.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="File to write instead of stdout.",
)
@click.argument("contract", metavar="[MODULE:CONTRACT]", required=False)
def asyncapi(title: str, out: Path | None, contract: str | None) -> None:
    """Print a contract as an AsyncAPI 3 document, as JSON.

    Rooms are channels, events are messages with JSON Schemas, and the version is the fingerprint.
    The default contract is longwire.CATALOG.

    \b
    Example:
      longwire asyncapi app:server --title Shop --out asyncapi.json
    """
    import msgspec

    from longwire.catalog import CATALOG
    from longwire.codegen import generate_asyncapi

    found = CATALOG if contract is None else import_contract(contract)
    data = msgspec.json.format(msgspec.json.encode(generate_asyncapi(found, title=title)), indent=2)
    if out is None:
        click.echo(data)
    else:
        out.write_bytes(data + b"\n")
