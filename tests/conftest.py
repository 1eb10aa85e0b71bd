"""Fixtures that all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.serving import ServerProcess


@pytest.fixture(scope="session")
def running_server() -> Iterator[ServerProcess]:
    """`longwire serve` with its defaults and the memory broker.

    The process is shared by the whole run, so each test uses its own users, jobs and rooms.
    """
    with ServerProcess("--broker=memory:") as server:
        yield server
