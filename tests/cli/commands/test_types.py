"""`longwire types`, and what the command line says about itself."""

from __future__ import annotations

import resource
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from longwire.catalog import CATALOG
from longwire.codegen import generate_typescript
from tests.cli.command import LONGWIRE, Longwire


def test_prints_the_contract(alone: Longwire) -> None:
    assert alone.output("types") == generate_typescript(CATALOG)


def test_writes_the_contract(alone: Longwire, tmp_path: Path) -> None:
    assert alone.output("types", "--out", str(tmp_path / "events.ts")) == ""
    assert (tmp_path / "events.ts").read_text() == generate_typescript(CATALOG)


CONTRACT = """
import os
from longwire import Contract, Event, Server, anonymous

os.environ["SETTING"]

class OrderShipped(Event, name="order:shipped", room="order:{order_id}"):
    order_id: str

contract = Contract([OrderShipped])
server = Server(contract=contract, authenticate=anonymous)
"""


def test_prints_a_contract_of_ones_own(
    alone: Longwire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop.py").write_text(CONTRACT)
    monkeypatch.chdir(tmp_path)
    assert alone.refusal("types", "shop:server") == (1, "shop:server: KeyError: 'SETTING'")
    alone.environment["SETTING"] = "x"
    printed = alone.output("types", "shop:contract")
    assert '"order:shipped"' in printed
    assert "job:progress" not in printed
    assert alone.output("types", "shop:server") == printed
    assert alone.refusal("types", "shop:OrderShipped")[0] == 1


@pytest.mark.parametrize("name", ["shop", "shop:", ":server"])
def test_a_contract_is_named_with_its_module(alone: Longwire, name: str) -> None:
    code, said = alone.refusal("types", name)
    assert (code, "such as app:server" in said) == (2, True)


def test_a_file_that_cannot_be_written(alone: Longwire, tmp_path: Path) -> None:
    nowhere = tmp_path / "no" / "folder.ts"
    said = f"{nowhere}: No such file or directory"
    assert alone.refusal("types", "--out", str(nowhere)) == (1, said)
    assert alone.refusal("types", "--out", str(tmp_path))[0] == 2


@pytest.mark.parametrize("command", ["serve", "run", "watch", "emit", "token", "types", "demo"])
def test_every_command_explains_itself(alone: Longwire, command: str) -> None:
    assert "Usage: longwire " + command in alone.output(command, "--help")
    assert command in alone.output("-h")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completes_in_every_shell(alone: Longwire, shell: str) -> None:
    alone.environment["_LONGWIRE_COMPLETE"] = f"{shell}_source"
    assert "_LONGWIRE_COMPLETE" in alone.output()
    alone.environment |= {"_LONGWIRE_COMPLETE": "bash_complete", "COMP_CWORD": "2"}
    alone.environment["COMP_WORDS"] = "longwire run --ti"
    assert alone.output() == "plain,--title\n"


def test_knows_its_version(alone: Longwire) -> None:
    assert alone.output("--version") == f"longwire, version {version('longwire')}\n"


def test_an_unknown_command(alone: Longwire) -> None:
    assert alone.refusal("dance") == (2, "No such command 'dance'. See `longwire --help`.")
    assert alone.refusal("--nonsense")[0] == 2


@pytest.mark.parametrize("arguments", [["--help"], ["token", "--user", "ada"]])
def test_small_commands_load_little(alone: Longwire, arguments: list[str]) -> None:
    alone.environment["LONGWIRE_SECRET"] = "a secret"
    loaded = subprocess.run(
        [LONGWIRE[0], "-X", "importtime", *LONGWIRE[1:], *arguments],
        env=alone.environment,
        capture_output=True,
        check=True,
        timeout=15,
    ).stderr.decode()
    modules = {line.rpartition("|")[2].strip() for line in loaded.splitlines()}
    heavy = {"asyncio", "fastapi", "uvicorn", "rich", "jwt", "websockets", "longwire.server"}
    assert "click" in modules
    assert modules & heavy == set()


def test_small_commands_are_quick(alone: Longwire) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    alone.output("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.6
