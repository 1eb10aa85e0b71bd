"""Commands beside a server that all tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import Longwire
from tests.serving import ServerProcess


@pytest.fixture
def alone(tmp_path: Path) -> Longwire:
    """Commands on a machine where nothing was set up; whatever listens on port 8000 is ignored."""
    return Longwire(tmp_path / "state", LONGWIRE_URL="http://127.0.0.1:1")


@pytest.fixture
def longwire(running_server: ServerProcess, tmp_path: Path) -> Longwire:
    """Commands that know the running server."""
    return Longwire(
        tmp_path / "state", LONGWIRE_SECRET=running_server.secret, LONGWIRE_URL=running_server.url
    )
