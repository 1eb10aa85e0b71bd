"""`longwire types`, and the help, completion and errors of the command line as a whole."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from longwire.catalog import CATALOG
from longwire.codegen import generate_typescript
from tests.cli.command import LONGWIRE, Longwire


def test_prints_the_contract(offline: Longwire) -> None:
    assert offline.output("types") == generate_typescript(CATALOG)


def test_writes_the_contract(offline: Longwire, tmp_path: Path) -> None:
    assert offline.output("types", "--out", str(tmp_path / "events.ts")) == ""
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


def test_prints_an_applications_contract(
    offline: Longwire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop.py").write_text(CONTRACT)
    monkeypatch.chdir(tmp_path)
    assert offline.failure("types", "shop:server") == (1, "shop:server: KeyError: 'SETTING'")
    offline.environment["SETTING"] = "x"
    printed = offline.output("types", "shop:contract")
    assert '"order:shipped"' in printed
    assert "job:progress" not in printed
    assert offline.output("types", "shop:server") == printed
    registration = printed[printed.index("/** The types of this contract") :]
    assert 'declare module "longwire"' in registration
    plain = offline.output("types", "shop:server", "--no-register")
    assert plain + "\n" + registration == printed
    code, message = offline.failure("types", "shop:OrderShipped")
    assert (code, message.partition(", got ")[0]) == (
        1,
        "shop:OrderShipped must be a Contract or a Server",
    )


@pytest.mark.parametrize("name", ["shop", "shop:", ":server"])
def test_rejects_a_contract_name_without_a_module(offline: Longwire, name: str) -> None:
    code, message = offline.failure("types", name)
    assert (code, "such as app:server" in message) == (2, True)


def test_reports_a_file_that_cannot_be_written(offline: Longwire, tmp_path: Path) -> None:
    nowhere = tmp_path / "no" / "folder.ts"
    message = f"{nowhere}: No such file or directory"
    assert offline.failure("types", "--out", str(nowhere)) == (1, message)
    assert offline.failure("types", "--out", str(tmp_path))[0] == 2


@pytest.mark.parametrize("command", ["serve", "run", "watch", "emit", "token", "types", "demo"])
def test_every_command_has_help(offline: Longwire, command: str) -> None:
    assert "Usage: longwire " + command in offline.output(command, "--help")
    assert command in offline.output("-h")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completes_in_every_shell(offline: Longwire, shell: str) -> None:
    offline.environment["_LONGWIRE_COMPLETE"] = f"{shell}_source"
    assert "_LONGWIRE_COMPLETE" in offline.output()
    offline.environment |= {"_LONGWIRE_COMPLETE": "bash_complete", "COMP_CWORD": "2"}
    offline.environment["COMP_WORDS"] = "longwire run --ti"
    assert offline.output() == "plain,--title\n"


def test_prints_its_version(offline: Longwire) -> None:
    assert offline.output("--version") == f"longwire, version {version('longwire')}\n"


def test_reports_an_unknown_command(offline: Longwire) -> None:
    assert offline.failure("dance") == (2, "No such command 'dance'. See `longwire --help`.")
    assert offline.failure("--nonsense")[0] == 2


@pytest.mark.parametrize("arguments", [["--help"], ["token", "--user", "ada"]])
def test_small_commands_do_not_load_heavy_modules(offline: Longwire, arguments: list[str]) -> None:
    offline.environment["LONGWIRE_SECRET"] = "a secret"
    loaded = subprocess.run(
        [LONGWIRE[0], "-X", "importtime", *LONGWIRE[1:], *arguments],
        env=offline.environment,
        capture_output=True,
        check=True,
        timeout=15,
    ).stderr.decode()
    modules = {line.rpartition("|")[2].strip() for line in loaded.splitlines()}
    heavy = {"asyncio", "fastapi", "uvicorn", "rich", "jwt", "websockets", "longwire.server"}
    assert "click" in modules
    assert modules & heavy == set()
