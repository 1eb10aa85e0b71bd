"""`longwire token`: a token for a user or a service."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import click

from longwire.cli.options import UserName
from longwire.cli.settings import require_secret
from longwire.cli.signing import sign_token
from longwire.types import override

if TYPE_CHECKING:
    from click import Context, Parameter

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([smhd])")

# A token that outlives its user's memory of it is a password.
_LONGEST: Final = 10 * 365 * 86400


class Duration(click.ParamType[float]):
    """A time such as `90s`, `30m`, `1h` or `7d`, in seconds."""

    name = "duration"

    @override
    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> float:
        """Return the seconds."""
        found = _DURATION.fullmatch(str(value))
        seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
        if not 0 < seconds <= _LONGEST:
            self.fail(f"{value!r} is no time such as 90s, 30m, 1h or 7d.", param, ctx)
        return seconds


@click.command()
@click.option("--user", type=UserName(), required=True, help="Whom the token speaks for.")
@click.option("--service", is_flag=True, help="May publish, and join every room.")
@click.option(
    "--ttl",
    type=Duration(),
    default="1h",
    show_default=True,
    help="How long it lasts, such as 90s, 30m, 12h or 7d.",
)
def token(user: str, service: bool, ttl: float) -> None:
    """Print a token, and nothing else.

    It is a JSON Web Token, signed with LONGWIRE_SECRET, else with the secret that `serve --dev`,
    `demo` or `run` keeps for this machine. Who holds it is that user until it expires.
    """
    click.echo(sign_token(require_secret(), user, service=service, ttl=ttl))
