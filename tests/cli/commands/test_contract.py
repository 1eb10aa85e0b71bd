"""`longwire contract` and `longwire asyncapi`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from longwire.catalog import CATALOG
from longwire.codegen import generate_asyncapi
from longwire.schema.comparison import READ
from tests.cli.command import Longwire

SHOP = """
from longwire import CATALOG, Contract, Event

class OrderShipped(Event, name="order:shipped", room="order:{order_id}"):
    order_id: str
    FIELDS

contract = CATALOG | Contract([OrderShipped])
"""


def test_a_breaking_change_of_an_exported_contract_exits_with_1(
    offline: Longwire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.py").write_text(SHOP.replace("FIELDS", "weight: float = 0.0"))
    assert offline.output("contract", "export", "shop:contract", "--out", "old.json") == ""
    assert offline.output("contract", "diff", "old.json", "shop:contract") == (
        "0 breaking, 0 compatible\n"
    )

    (tmp_path / "shop.py").write_text(SHOP.replace("FIELDS", "note: str | None = None"))
    compared = offline.run("contract", "diff", "old.json", "shop:contract")
    assert compared.returncode == 1
    assert compared.stdout.decode().splitlines() == [
        f"breaking    order:shipped.weight: the member was removed: {READ}",
        "compatible  order:shipped.note: a member was added",
        "1 breaking, 1 compatible",
    ]

    (tmp_path / "new.json").write_text(offline.output("contract", "export", "shop:contract"))
    assert offline.run("contract", "diff", "old.json", "new.json").stdout == compared.stdout
    (tmp_path / "catalogue.json").write_text(offline.output("contract", "export"))
    added = offline.output("contract", "diff", "catalogue.json", "new.json")
    assert added.endswith("0 breaking, 2 compatible\n")


def test_a_file_that_is_not_a_contract_is_named(offline: Longwire, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    code, message = offline.failure("contract", "diff", str(tmp_path / "x.json"), "shop:contract")
    assert (code, "x.json is not a file of `longwire contract export`" in message) == (1, True)


def test_prints_and_writes_an_asyncapi_document(offline: Longwire, tmp_path: Path) -> None:
    assert json.loads(offline.output("asyncapi")) == generate_asyncapi(CATALOG)
    out = tmp_path / "asyncapi.json"
    assert offline.output("asyncapi", "longwire:CATALOG", "--title", "A", "--out", str(out)) == ""
    assert json.loads(out.read_text()) == generate_asyncapi(CATALOG, title="A")
