"""The documents name tests that exist, in Python and in TypeScript."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLES = ["docs/project/defects.md", "docs/project/specification.md"]
DOCUMENTS = [*TABLES, "docs/project/evidence.md"]
PYTEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
VITEST = re.compile(r"`(js/tests/[\w./-]+)`: “([^”]+)”")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_python_test_is_there(document: str) -> None:
    named = set(PYTEST.findall(read(document)))

    assert len(named) > 20
    assert [name for path, name in sorted(named) if name not in functions(path)] == []


@pytest.mark.parametrize("document", TABLES)
def test_every_typescript_test_is_there(document: str) -> None:
    named = set(VITEST.findall(read(document)))

    assert len(named) > 20
    assert [name for path, name in sorted(named) if f'"{name}",' not in read(path)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_of_tests_is_followed_by_a_name(document: str) -> None:
    text = PYTEST.sub("", VITEST.sub("", read(document)))

    assert re.findall(r"tests/\S+\.(?:py|test\S*)", text) == []


def read(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


def functions(path: str) -> set[str]:
    tree = ast.parse(read(path))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
