"""How a command says what went wrong."""

from __future__ import annotations

import click


def complain(about: object) -> None:
    """Print one line on stderr, whatever the text holds."""
    text = " ".join(str(about).split()) or type(about).__name__
    click.echo(f"longwire: {text}", err=True)
