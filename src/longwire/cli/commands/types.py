"""`longwire types`: print a contract as TypeScript."""

from __future__ import annotations

from pathlib import Path

import click

from longwire.cli.contract_argument import import_contract


@click.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="File to write instead of stdout.",
)
@click.option(
    "--register/--no-register",
    default=None,
    help="Whether the module types the clients and hooks of the npm package longwire, too. One"
    " contract of an application can be registered.  [default: yes, if a contract is named]",
)
@click.argument("contract", metavar="[MODULE:CONTRACT]", required=False)
def types(out: Path | None, register: bool | None, contract: str | None) -> None:
    """Print the TypeScript types of a contract's events and rooms.

    MODULE:CONTRACT names a Contract or a Server in a module that can be imported from the current
    directory. The default is longwire.CATALOG.

    \b
    Example:
      longwire types app:contract --out src/contract.ts
    """
    from longwire.catalog import CATALOG
    from longwire.codegen import generate_typescript

    text = generate_typescript(
        CATALOG if contract is None else import_contract(contract),
        register=contract is not None if register is None else register,
    )
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
