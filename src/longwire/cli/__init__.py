"""The command line: one file a command, each a thin call into the layer below."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, NoReturn

import click

from longwire.cli.complaint import complain
from longwire.cli.demo import demo
from longwire.cli.emit import emit
from longwire.cli.run import run
from longwire.cli.serve import serve
from longwire.cli.token import token
from longwire.cli.types import types
from longwire.cli.watch import watch
from longwire.errors import LongwireError

if TYPE_CHECKING:
    from collections.abc import Sequence

# 128 + SIGINT, 128 + SIGPIPE: what a shell reports for a command that died of them.
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="longwire", prog_name="longwire")
def cli() -> None:
    """Realtime for Python: any command becomes a job that people can watch live.

    Tokens are signed with LONGWIRE_SECRET. LONGWIRE_URL and LONGWIRE_TOKEN name the server and the
    token of run, watch and emit.
    """


for _command in (serve, run, watch, emit, token, types, demo):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code.

    Every failure is one line on stderr: 2 for a wrong call, 1 for what did not work, 130 after
    Ctrl-C, 141 when the reader of stdout went away.
    """
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    try:
        with cli.make_context(
            "longwire", list(sys.argv[1:] if arguments is None else arguments)
        ) as context:
            code = cli.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        complain(error.format_message())
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout once more at exit; let it find something to write to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except (LongwireError, OSError) as error:
        complain(error)
        return 1
    return code if isinstance(code, int) else 0
