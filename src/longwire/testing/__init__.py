"""Tools for testing applications: a server and clients in memory, manual time, and a checker.

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
    "clock": {"ManualClock", "StandStill"},
    "history": {"History", "Reader"},
    "link": {"Link", "authenticate_by_name"},
    "proof": {"Proof"},
    "records": {"Attempt", "BrokenPromise", "Fault", "Frame"},
}


if not TYPE_CHECKING:  # with __getattr__, type checkers would accept every name

    def __getattr__(name: str) -> object:
        for module, names in _HOMES.items():
            if name in names:
                return getattr(import_module(f"{__name__}.{module}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
