"""What tests of applications need: a server and its clients in memory, time, and a record.

link        joins clients to a server without sockets, by connections that can be broken; `line`
            is one of them, over a `memory_transport`
clock       lets time pass only when a test says so
history     records what was published and what every reader applied
record      what is recorded
proof       judges whether each offset was applied once and in order
known_log   judges whether what was applied is what was published
plugin      fixtures for pytest

The names below are imported when they are first used: pytest loads the plugin in every project
that has Longwire installed.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from longwire.testing.clock import ManualClock, StandStill
    from longwire.testing.history import History, Reader
    from longwire.testing.link import Link, authenticate_by_name
    from longwire.testing.proof import Proof
    from longwire.testing.record import Attempt, BrokenPromise, Fault, Frame

__all__ = [
    "Attempt",
    "BrokenPromise",
    "Fault",
    "Frame",
    "History",
    "Link",
    "ManualClock",
    "Proof",
    "Reader",
    "StandStill",
    "authenticate_by_name",
]

_HOMES = {
    "ManualClock": "clock",
    "StandStill": "clock",
    "History": "history",
    "Reader": "history",
    "Link": "link",
    "authenticate_by_name": "link",
    "Proof": "proof",
    "Attempt": "record",
    "BrokenPromise": "record",
    "Fault": "record",
    "Frame": "record",
}


if not TYPE_CHECKING:  # for type checkers every name would be there

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
