"""`longwire demo`: a real job over real files, live in the browser."""

from __future__ import annotations

from pathlib import Path

import click

from longwire.cli.settings import DEFAULT_PORT


@click.command()
@click.argument(
    "directory",
    default=".",
    type=click.Path(exists=True, file_okay=False, readable=True, path_type=Path),
)
@click.option("--exit", "leave", is_flag=True, help="End with the job, at full speed.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"The port; by default {DEFAULT_PORT}, or a free one if that is taken.",
)
def demo(directory: Path, leave: bool, port: int | None) -> int:
    """Analyse the text files below DIRECTORY as a live job.

    Serves the web page to watch it on, and prints a link that signs you in. The server stays up
    until Ctrl-C.
    """
    import asyncio

    from longwire.cli.demo.demonstration import demonstrate

    ports = (DEFAULT_PORT, 0) if port is None else (port,)
    return asyncio.run(demonstrate(directory.resolve(), leave, ports))
