"""`longwire token`: print a token for a user or a service."""

import re
from typing import Any, Final

import click
from click import Context, Parameter

from longwire.cli.options import UserName
from longwire.cli.settings import require_secret
from longwire.tokens import issue_token
from longwire.types import override

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([smhd])")

# Ten years; a longer lifetime is more likely a typing error.
_MAX_DURATION: Final = 3650 * 86400


class Duration(click.ParamType[float]):
    """A duration such as `90s`, `30m`, `1h` or `7d`; its value is in seconds."""

    name = "duration"

    @override
    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> float:
        found = _DURATION.fullmatch(str(value))
        if not found:
            self.fail(f"{value!r} must be a duration such as 90s, 30m, 1h or 7d.", param, ctx)
        seconds = float(found[1]) * _UNITS[found[2]]
        if not 0 < seconds <= _MAX_DURATION:
            self.fail(f"{value!r} must be more than 0s and at most 3650d.", param, ctx)
        return seconds


@click.command()
@click.option("--user", type=UserName(), required=True, help="User id of the token.")
@click.option("--service", is_flag=True, help="Allow publishing and joining every room.")
@click.option(
    "--ttl",
    type=Duration(),
    default="1h",
    show_default=True,
    help="Lifetime of the token, such as 90s, 30m, 12h or 7d.",
)
def token(user: str, service: bool, ttl: float) -> None:
    """Print a token for a user.

    The token is a JSON Web Token, signed with LONGWIRE_SECRET or, if that is not set, with this
    machine's development secret. Anyone who has the token acts as that user until it expires.
    """
    click.echo(issue_token(require_secret(), user, service=service, ttl=ttl))
