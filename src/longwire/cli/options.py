"""Options and parameter types that several commands share."""

from typing import Any, Final

import click
from click import Context, Parameter

from longwire.cli.settings import DEFAULT_URL
from longwire.types import override


class UserName(click.ParamType[str]):
    """The name of a user; it must fit into the room `user:NAME`."""

    name = "user"

    @override
    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> str:
        name = str(value)
        if not name.isprintable() or not name or " " in name:
            self.fail(f"{name!r} must be a non-empty name without spaces.", param, ctx)
        return name


SERVER: Final = click.option(
    "--server", metavar="URL", help=f"Server to use. [default: $LONGWIRE_URL, else {DEFAULT_URL}]"
)
