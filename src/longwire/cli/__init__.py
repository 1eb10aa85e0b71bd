"""The command line: one file a command, each a thin call into the layer below."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

try:
    import click
    from click.shell_completion import shell_complete
except ModuleNotFoundError:
    sys.exit("longwire: the command line is not installed: pip install 'longwire[cli]'")

from longwire.cli.commands.demo import demo
from longwire.cli.commands.emit import emit
from longwire.cli.commands.run import run
from longwire.cli.commands.serve import serve
from longwire.cli.commands.token import token
from longwire.cli.commands.types import types
from longwire.cli.commands.watch import watch
from longwire.cli.complaint import complain
from longwire.errors import LongwireError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

# 128 + SIGINT, 128 + SIGPIPE: what a shell reports for a command that died of them.
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141


# click's own convention: `bash_source` in it asks for a shell's completion script.
COMPLETION: Final = "_LONGWIRE_COMPLETE"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="longwire", prog_name="longwire")
def cli() -> None:
    """Realtime for Python: any command becomes a job that people can watch live.

    \b
      longwire run -- make -j4     run a command; prints where to watch it
      longwire watch JOB           watch it in another terminal
      longwire serve --dev         one server for all jobs of this machine

    \b
    Environment:
      LONGWIRE_SECRET  signs and verifies tokens; by default one that `serve --dev`,
                       `demo` or `run` made and keeps for this machine
      LONGWIRE_URL     the server of run, watch and emit [http://127.0.0.1:8000]
      LONGWIRE_TOKEN   their token, instead of one signed with the secret
      LONGWIRE_BROKER  where serve keeps the logs

    \b
    Completion (bash; likewise zsh, fish):
      eval "$(_LONGWIRE_COMPLETE=bash_source longwire)"
    """


for _command in (serve, run, watch, emit, token, types, demo):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code.

    Every failure is one line on stderr: 2 for a wrong call, 1 for what did not work, 130 after
    Ctrl-C, 141 when the reader of stdout went away.
    """
    _open_closed_streams()
    code = _run(_invoke, sys.argv[1:] if arguments is None else arguments)
    # What stdout did not take shows only now.
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
        complain(f"{error.format_message()}{_remedy(error)}")
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        return BROKEN_PIPE
    except ModuleNotFoundError as error:
        complain(f"{error.name} is not installed: pip install 'longwire[cli]'")
        return 1
    except OSError as error:
        complain(_describe(error))
        return 1
    except LongwireError as error:
        complain(error)
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
        # Python flushes once more at exit; let it find something to write to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if code == 0:
            raise
    return code


def _open_closed_streams() -> None:
    """Put /dev/null where the caller closed a standard stream.

    The next file or socket would get its number, and `run` write a command's output into it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - for the process's life


def _remedy(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f" See `{context.command_path} --help`." if context else ""


def _describe(error: OSError) -> str:
    """Return what went wrong without its number, and with what."""
    if error.strerror is None:
        return str(error)
    return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
