"""docs/reference/errors.md lists every error code and every reason."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import longwire
from longwire.errors import LongwireError
from longwire.reasons import REASONS
from tests.docs.snippets import ROOT

ERRORS = (ROOT / "docs/reference/errors.md").read_text("utf-8")
WIRE = (ROOT / "docs/reference/wire.md").read_text("utf-8")
LISTED = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (.+?) \|", ERRORS, re.MULTILINE))))


def kinds(root: type[LongwireError] = LongwireError) -> Iterator[type[LongwireError]]:
    yield root
    for kind in root.__subclasses__():
        yield from kinds(kind)


def test_every_code_of_an_exception() -> None:
    for module in pkgutil.walk_packages(longwire.__path__, "longwire."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    codes = {
        kind.code
        for kind in kinds()
        if kind.__module__.startswith("longwire.") and isinstance(vars(kind).get("code"), str)
    }

    assert codes - LISTED == set()


def test_every_code_of_the_wire() -> None:
    table = WIRE.partition("## Error codes")[2].partition("\n## ")[0]
    codes = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (.+?) \|", table, re.MULTILINE))))

    assert len(codes) > 20
    assert codes - LISTED == set()


def test_every_code_of_the_typescript_client() -> None:
    source = (ROOT / "js/src/errors.ts").read_text("utf-8")
    [union] = re.findall(r"type ClientErrorCode =(.*?);", source, re.DOTALL)

    assert set(re.findall(r'"(\w+)"', union)) - LISTED == set()


def test_every_reason() -> None:
    assert set(REASONS) - LISTED == set()


def test_every_exception_is_in_the_reference() -> None:
    page = (ROOT / "docs/reference/python/exceptions.md").read_text("utf-8")
    names = {kind.__name__ for kind in kinds() if kind.__module__ == "longwire.errors"}

    assert set(re.findall(r"^::: longwire\.errors\.(\w+)$", page, re.MULTILINE)) == names
