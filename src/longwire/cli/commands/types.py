"""`longwire types`: print a contract as TypeScript."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from longwire.schema import Contract


@click.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="File to write instead of stdout.",
)
@click.argument("contract", metavar="[MODULE:CONTRACT]", required=False)
def types(out: Path | None, contract: str | None) -> None:
    """Print the TypeScript types of a contract's events and rooms.

    MODULE:CONTRACT names a Contract or a Server in a module that can be imported from the current
    directory. The default is longwire.CATALOG.

    \b
    Example:
      longwire types app:contract --out src/contract.ts
    """
    from longwire.catalog import CATALOG
    from longwire.codegen import generate_typescript

    text = generate_typescript(CATALOG if contract is None else _import_contract(contract))
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


def _import_contract(name: str) -> Contract:
    from importlib import import_module

    from longwire.schema import Contract

    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise click.BadParameter(
            f"{name!r} must have the form MODULE:CONTRACT, such as app:server.",
            param_hint="MODULE:CONTRACT",
        )
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(import_module(module), attribute)
    except Exception as error:  # the module's code may raise anything
        raise click.ClickException(f"{name}: {type(error).__name__}: {error}") from None
    contract = getattr(found, "contract", found)
    if not isinstance(contract, Contract):
        raise click.ClickException(f"{name} must be a Contract or a Server, got {found!r:.80}")
    return contract
