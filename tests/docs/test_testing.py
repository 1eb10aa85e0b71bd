"""What docs/guides/testing.md shows, run as a reader would run it."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from longwire.testing import Link, ManualClock
from longwire.testing import fixtures as plugin_fixtures
from tests.docs.snippets import ROOT, snippets_of

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.timeout(120)

DOCUMENT = (ROOT / "docs/guides/testing.md").read_text("utf-8")
SNIPPETS = snippets_of("docs/guides/testing.md")


def test_a_project_with_tests(pytester: pytest.Pytester) -> None:
    for name in ("shop.py", "conftest.py", "test_shop.py"):
        (pytester.path / name).write_text(SNIPPETS[name], "utf-8")
    pytester.syspathinsert()

    result = pytester.runpytest_subprocess(
        "--asyncio-mode=auto", "-o", "asyncio_default_fixture_loop_scope=function", "-W", "error"
    )

    result.assert_outcomes(passed=4)


def test_without_pytest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "alone.py").write_text(SNIPPETS["alone.py"], "utf-8")

    runpy.run_path(str(tmp_path / "alone.py"), run_name="__main__")

    [printed] = re.findall(r"It prints `(.*?)`", DOCUMENT)
    assert capsys.readouterr().out == printed + "\n"


def test_every_fixture_and_method_is_described() -> None:
    names = {name for name in vars(plugin_fixtures) if name.startswith("longwire_")}
    calls = {
        f"{owner}.{name}("
        for owner, kind in (("link", Link), ("clock", ManualClock))
        for name in vars(kind)
        if not name.startswith("_") and name != "monotonic"
    }

    assert {name for name in names if f"| `{name}` |" not in DOCUMENT} == set()
    assert {call for call in calls if call not in DOCUMENT} == set()
