"""The types that the admin page was written for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "write-admin-types"


def test_the_types_of_the_page_are_those_of_the_interface() -> None:
    check = [sys.executable, SCRIPT, "--check"]
    ended = subprocess.run(check, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
