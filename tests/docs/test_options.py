"""docs/reference/options.md lists every option with its default."""

from __future__ import annotations

import inspect
import re
from typing import Any

import msgspec
import pytest

from longwire import CATALOG, Job, Server
from longwire.broker import MemoryLimits, SQLiteLimits
from longwire.client import ClientOptions
from longwire.connection.connection import ConnectionOptions
from longwire.engineio.server import Options
from longwire.log.retention import RetentionLimits
from longwire.server import Limits, RecoveryOptions
from tests.docs.snippets import ROOT

PAGE = (ROOT / "docs/reference/options.md").read_text("utf-8")
TABLE = re.compile(r"^\| (\w[\w ]*) \| default \| meaning.*\n\|[-|]+\n((?:\|.*\n)+)", re.MULTILINE)
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| .+ \|$", re.MULTILINE)
SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
TYPESCRIPT = re.compile(r"^  (\w+): (.+),$", re.MULTILINE)
REQUIRED = object()

Defaults = dict[str, Any]


def described(section: str, first: str = "option") -> dict[str, str]:
    """The options of a section's table, with their defaults as they are written."""
    tables = dict(TABLE.findall(dict(SECTION.findall(PAGE))[section]))
    return {name: default.strip("`") for name, default in ROW.findall(tables[first])}


def of_struct(kind: type[msgspec.Struct]) -> Defaults:
    required = len(kind.__struct_fields__) - len(kind.__struct_defaults__)
    defaults = (*[msgspec.NODEFAULT] * required, *kind.__struct_defaults__)
    return dict(zip(kind.__struct_fields__, map(plain, defaults), strict=True))


def plain(default: Any) -> Any:
    if default is msgspec.NODEFAULT:
        return REQUIRED
    factory = getattr(default, "factory", None)
    return default if factory is None else factory()


def of_signature(function: Any, *left_out: str) -> Defaults:
    parameters = inspect.signature(function).parameters.values()
    return {each.name: each.default for each in parameters if each.name not in ("self", *left_out)}


@pytest.mark.parametrize(
    ("section", "first", "defaults"),
    [
        ("Server", "option", of_signature(Server.__init__)),
        ("Limits", "limit", of_struct(Limits)),
        ("Consumers", "option", of_signature(Server.consumer, "name", "events")),
        ("Engine.IO", "option", of_struct(Options)),
        ("Packets", "option", of_struct(ConnectionOptions)),
        ("Recovery", "option", of_struct(RecoveryOptions)),
        ("Brokers", "retention", of_struct(RetentionLimits)),
        ("Brokers", "memory", of_struct(MemoryLimits)),
        ("Brokers", "SQLite", of_struct(SQLiteLimits)),
        ("Jobs", "option", of_signature(Job.__init__, "host")),
        ("Python client", "option", of_struct(ClientOptions)),
    ],
)
def test_python_options(section: str, first: str, defaults: Defaults) -> None:
    written = described(section, first)
    known = {"CATALOG": CATALOG, "required": REQUIRED}

    assert {name: eval(default, known) for name, default in written.items()} == defaults


def test_typescript_options() -> None:
    source = (ROOT / "js/src/options.ts").read_text("utf-8")
    interface = source.partition("export interface ClientOptions {")[2].partition("\n}")[0]
    names = set(re.findall(r"^  (\w+)\?:", interface, re.MULTILINE))
    defaults = source.partition("const DEFAULTS")[2].partition("\n}")[0]
    written = described("TypeScript client")

    assert set(written) == names
    assert {name: written[name] for name, _ in TYPESCRIPT.findall(defaults)} == dict(
        TYPESCRIPT.findall(defaults)
    )
