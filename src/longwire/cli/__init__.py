"""The command line: one module per command, each a thin call into the layers below."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Final, NoReturn, TypeVar

try:
    import click
    from click.shell_completion import shell_complete
except ModuleNotFoundError:
    sys.exit("longwire: the command line is not installed: pip install 'longwire[cli]'")

from longwire.cli.commands.asyncapi import asyncapi
from longwire.cli.commands.contract import contract
from longwire.cli.commands.demo import demo
from longwire.cli.commands.emit import emit
from longwire.cli.commands.revoke import revoke
from longwire.cli.commands.run import run
from longwire.cli.commands.serve import serve
from longwire.cli.commands.token import token
from longwire.cli.commands.top import top
from longwire.cli.commands.types import types
from longwire.cli.commands.watch import watch
from longwire.cli.terminal import print_message
from longwire.errors import LongwireError

T = TypeVar("T")

# 128 + SIGINT and 128 + SIGPIPE, as a shell reports them.
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141

# click's convention: the value `bash_source` requests a completion script.
COMPLETION: Final = "_LONGWIRE_COMPLETE"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="longwire", prog_name="longwire")
def cli() -> None:
    """Run commands as live jobs, and serve, watch and publish realtime events.

    \b
    Examples:
      longwire run -- make -j4     run a command as a job that others can watch
      longwire watch JOB           watch a job from another terminal
      longwire serve --dev         serve all jobs of this machine
      longwire top                 show connections, rooms and jobs of a server

    \b
    Environment variables:
      LONGWIRE_SECRET  secret that signs and verifies tokens; by default a development
                       secret, which `serve --dev`, `demo` and `run` create
      LONGWIRE_URL     server for run, watch, emit, revoke and top [default: http://127.0.0.1:8000]
      LONGWIRE_TOKEN   token for those; by default signed with the secret
      LONGWIRE_BROKER  where serve keeps its logs

    \b
    Shell completion (bash, zsh, fish):
      eval "$(_LONGWIRE_COMPLETE=bash_source longwire)"
    """


for _command in (serve, run, watch, top, emit, token, revoke, types, contract, asyncapi, demo):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    A failure prints one line on stderr. Exit codes: 2 for wrong usage, 1 for any other failure, 130
    after Ctrl-C, 141 when the reader of stdout has gone away.
    """
    _open_closed_streams()
    code = _run(_invoke, sys.argv[1:] if arguments is None else arguments)
    # A full disk or a closed pipe may show only when stdout is flushed.
    sys.exit(_run(_flush, code))


def _run(step: Callable[[T], int], argument: T) -> int:
    try:
        return step(argument)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        print_message(f"{error.format_message()}{_help_hint(error)}")
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        return BROKEN_PIPE
    except ModuleNotFoundError as error:
        print_message(f"{error.name} is not installed: pip install 'longwire[cli]'")
        return 1
    except OSError as error:
        print_message(_describe(error))
        return 1
    except LongwireError as error:
        print_message(error)
        return 1


def _invoke(arguments: Sequence[str]) -> int:
    instruction = os.environ.get(COMPLETION)
    if instruction:
        return shell_complete(cli, {}, "longwire", COMPLETION, instruction)
    with cli.make_context("longwire", list(arguments)) as context:
        code = cli.invoke(context)
    return code if isinstance(code, int) else 0


def _flush(code: int) -> int:
    try:
        sys.stdout.flush()
    except OSError:
        # Python flushes stdout again at exit; that must not fail a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if code == 0:
            raise
    return code


def _open_closed_streams() -> None:
    """Open /dev/null in place of standard streams that the caller has closed.

    Otherwise the next file or socket would get the stream's number, and `run` would write the
    command's output into it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - for the process's life


def _help_hint(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f" See `{context.command_path} --help`." if context else ""


def _describe(error: OSError) -> str:
    """Return the reason without the error number, and the file name if there is one."""
    if error.strerror is None:
        return str(error)
    return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
