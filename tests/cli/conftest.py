"""Fixtures: `longwire` commands with and without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import Longwire
from tests.serving import ServerProcess


@pytest.fixture
def offline(tmp_path: Path) -> Longwire:
    """Commands without a secret, on a machine where no server is reachable."""
    return Longwire(tmp_path / "state", LONGWIRE_URL="http://127.0.0.1:1")


@pytest.fixture
def longwire(running_server: ServerProcess, tmp_path: Path) -> Longwire:
    """Commands that are configured for the running server."""
    return Longwire(
        tmp_path / "state", LONGWIRE_SECRET=running_server.secret, LONGWIRE_URL=running_server.url
    )
