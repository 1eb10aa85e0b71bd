"""Fixtures that all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.redis_server import RedisServer
from tests.serving import ServerProcess


@pytest.fixture(scope="session")
def running_server() -> Iterator[ServerProcess]:
    """`longwire serve` with its defaults and the memory broker.

    The process is shared by the whole run, so each test uses its own users, jobs and rooms.
    """
    with ServerProcess("--broker=memory:") as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One Redis for all tests that do not disturb it; each test has its own prefix."""
    with RedisServer() as server:
        yield server
