"""Outcomes that nobody has to wait for."""

from __future__ import annotations

import asyncio
from typing import Any


def new_outcome() -> asyncio.Future[Any]:
    """Return a future whose failure is no error of the program when nobody awaits it.

    The state, a room's status or a log tells the failure as well.
    """
    outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    outcome.add_done_callback(observe)
    return outcome


def observe(outcome: asyncio.Future[Any]) -> None:
    """Take note of a failure."""
    if not outcome.cancelled():
        outcome.exception()
