"""What several commands ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from longwire.cli.settings import DEFAULT_URL
from longwire.types import override

if TYPE_CHECKING:
    from click import Context, Parameter


class UserName(click.ParamType[str]):
    """A user's name: what fits into the room `user:NAME`."""

    name = "user"

    @override
    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> str:
        """Return the name."""
        name = str(value)
        if not name.isprintable() or not name or " " in name:
            self.fail("a user has a name without spaces.", param, ctx)
        return name


SERVER: Final = click.option(
    "--server", metavar="URL", help=f"By default LONGWIRE_URL, else {DEFAULT_URL}."
)
