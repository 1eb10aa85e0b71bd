"""Brokers: where room logs live and how nodes agree about them.

base          the contract (`Broker`, `Receiver`)
memory        one process; logs live as long as it does
sqlite        one process; logs live in a file
group_commit  … and enter it together
log_file      … which is opened, checked, written and read here
idempotency   publish ids within their window
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from longwire.broker.base import Broker, Receiver
from longwire.broker.memory import MemoryBroker, MemoryLimits
from longwire.broker.sqlite import SQLiteBroker, SQLiteLimits
from longwire.errors import UnsupportedBroker

__all__ = [
    "Broker",
    "MemoryBroker",
    "MemoryLimits",
    "Receiver",
    "SQLiteBroker",
    "SQLiteLimits",
    "open_broker",
]

_SUPPORTED = "use memory: or sqlite:///relative.db, sqlite:////absolute.db"


def open_broker(url: str) -> Broker:
    """The broker that an address names; it is not started yet.

    `memory:` is a `MemoryBroker`. `sqlite:///` and a path is a `SQLiteBroker`: the path is what
    follows the third slash, so that an absolute one makes four; `%` escapes are decoded.

    Raises:
        UnsupportedBroker: the address names no broker of this installation.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and rest.startswith("///") and rest.strip("/"):
        return SQLiteBroker(unquote(rest[3:]))
    if scheme == "memory" and not rest.strip("/"):
        return MemoryBroker()
    shown = re.sub(r"//[^/@]*@", "//…@", url)
    if scheme in ("redis", "rediss", "unix"):
        raise UnsupportedBroker(shown, f"there is no Redis broker yet; {_SUPPORTED}")
    raise UnsupportedBroker(shown, _SUPPORTED)
