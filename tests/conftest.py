"""What tests of every part share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.serving import ServerProcess


@pytest.fixture(scope="session")
def running_server() -> Iterator[ServerProcess]:
    """`longwire serve` with its defaults and the memory broker.

    One process for the whole run: tests keep apart by users, jobs and rooms of their own.
    """
    with ServerProcess("--broker=memory:") as server:
        yield server
