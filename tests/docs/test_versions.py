"""`make` requires the versions that the README names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.snippets import ROOT


@pytest.mark.parametrize(
    ("program", "version", "message"),
    [
        ("python", "3.10.13", "Python 3.11 or newer is required, found 3.10.13."),
        ("node", "v20.9.0", "Node 20.19 or newer is required, found 20.9.0."),
        ("node", "v22.1.0", ""),
    ],
)
def test_an_old_version_fails_before_anything_is_installed(
    tmp_path: Path, program: str, version: str, message: str
) -> None:
    old = tmp_path / program
    old.write_text(f"#!/bin/sh\necho {version}\n")
    old.chmod(0o755)

    checked = subprocess.run(
        [ROOT / "scripts/check-versions"],
        env={
            **os.environ,
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "PYTHON": str(old) if program == "python" else sys.executable,
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == bool(message)
    assert checked.stderr.startswith(message)
    assert bool(checked.stderr) == bool(message)
