"""Tools for testing applications: a server and clients in memory, manual time, and a checker.

link          connects clients to a server in memory, by connections that a test can break
clock         stops the event loop's time, and advances it
history       records what was published and received, and checks that nothing was lost
plugin        pytest fixtures

Names are imported on first use, because pytest loads the plugin in every project that has Longwire
installed.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from longwire.testing.clock import ManualClock, StandStill
    from longwire.testing.history import History, Reader
    from longwire.testing.link import Link, authenticate_by_name
    from longwire.testing.proof import Proof
    from longwire.testing.records import Attempt, BrokenPromise, Fault, Frame

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
    "Attempt": "records",
    "BrokenPromise": "records",
    "Fault": "records",
    "Frame": "records",
}


if not TYPE_CHECKING:  # type checkers would accept any name

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
