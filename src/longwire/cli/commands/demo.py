"""`longwire demo`: run an example job to watch in the browser."""

from pathlib import Path

import click

from longwire.cli.settings import DEFAULT_PORT


@click.command()
@click.argument(
    "directory",
    default=".",
    type=click.Path(exists=True, file_okay=False, readable=True, path_type=Path),
)
@click.option("--exit", "exit_with_job", is_flag=True, help="Run at full speed; exit with the job.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"Port to listen on. [default: {DEFAULT_PORT}, or a free port if it is in use]",
)
def demo(directory: Path, exit_with_job: bool, port: int | None) -> int:
    """Analyse the text files in DIRECTORY as a live job.

    Serves the web page and prints a link that opens it signed in. The server keeps running until
    Ctrl-C.
    """
    import asyncio

    from longwire.cli.demo.job import run_demo

    ports = (DEFAULT_PORT, 0) if port is None else (port,)
    return asyncio.run(run_demo(directory.resolve(), exit_with_job, ports))
