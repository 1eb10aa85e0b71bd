"""How a command says what went wrong."""

from __future__ import annotations

import contextlib

import click

from longwire.cli.terminal import printable


def complain(about: object) -> None:
    """Print one line on stderr, whatever the text holds, if anybody still reads it."""
    text = " ".join(printable(str(about)).split()) or type(about).__name__
    with contextlib.suppress(OSError):
        click.echo(f"longwire: {text}", err=True)
