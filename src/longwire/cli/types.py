"""`longwire types`: the contract in TypeScript."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write to this file instead of stdout.",
)
def types(out: Path | None) -> None:
    """Print the TypeScript types of every event and room."""
    from longwire.catalog import CATALOG
    from longwire.codegen import generate_typescript

    text = generate_typescript(CATALOG)
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
