"""docs/reference/cli.md has every command and every option."""

from __future__ import annotations

import click
import pytest

from longwire.cli import cli
from tests.docs.snippets import ROOT

PAGE = (ROOT / "docs/reference/cli.md").read_text("utf-8")


COMMANDS = {
    **cli.commands,
    **{
        f"{name} {part}": child
        for name, group in cli.commands.items()
        if isinstance(group, click.Group)
        for part, child in group.commands.items()
    },
}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_command_and_its_options(name: str) -> None:
    _, _, section = PAGE.partition(f"\n## longwire {name}\n")
    section, _, _ = section.partition("\n## ")
    options = [
        option
        for parameter in COMMANDS[name].params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    ]

    assert section
    assert [option for option in options if option not in section] == []
