"""The arguments of commands about contracts: MODULE:CONTRACT, or an exported file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from longwire.schema import Contract
    from longwire.schema.description import ContractDescription


def import_contract(name: str) -> Contract:
    """Return the Contract, or the contract of the Server, with this name.

    The module may be in the current directory.

    Raises:
        click.BadParameter: the name does not have the form MODULE:CONTRACT.
        click.ClickException: the module cannot be imported, or the object is neither.
    """
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


def describe_argument(name: str | None) -> ContractDescription:
    """Return the description of a contract: that of a file, of MODULE:CONTRACT, or the catalogue.

    Raises:
        click.ClickException: the file is not an exported contract; otherwise as `import_contract`.
    """
    import msgspec

    from longwire.catalog import CATALOG
    from longwire.schema.description import ContractDescription

    if name is None:
        return CATALOG.describe()
    file = Path(name)
    if not file.is_file():
        return import_contract(name).describe()
    try:
        return msgspec.json.decode(file.read_bytes(), type=ContractDescription)
    except msgspec.MsgspecError as error:
        raise click.ClickException(
            f"{name} is not a file of `longwire contract export`: {error}"
        ) from None
