"""Brokers: where room logs live and how nodes agree about them.

base          the contract (`Broker`, `Receiver`)
memory        one process; logs live as long as it does
sqlite        one process; logs live in a file
group_commit  … and enter it together
log_file      … which is opened, checked, written and read here
idempotency   publish ids within their window
slices        reads logs that are longer than one slice
redis         any number of processes; logs live in Redis
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from longwire.broker.base import Broker, Receiver
from longwire.broker.memory import MemoryBroker, MemoryLimits
from longwire.broker.sqlite.broker import SQLiteBroker, SQLiteLimits
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

_SUPPORTED = "use memory:, sqlite:///relative.db, sqlite:////absolute.db or redis://host:6379/0"


def open_broker(url: str) -> Broker:
    """The broker that an address names; it is not started yet.

    `memory:` is a `MemoryBroker`. `sqlite:///` and a path is a `SQLiteBroker`: the path is what
    follows the third slash, so that an absolute one makes four; `%` escapes are decoded.
    `redis://[user:password@]host[:port][/database]`, `rediss://…` (TLS) and
    `unix://[user:password@]/path[?db=database]` are a `RedisBroker`, for which the extra
    `longwire[redis]` has to be installed.

    Raises:
        UnsupportedBroker: the address names no broker of this installation.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and rest.startswith("///") and rest.strip("/"):
        return SQLiteBroker(unquote(rest[3:]))
    if scheme == "memory" and not rest.strip("/"):
        return MemoryBroker()
    if scheme in ("redis", "rediss", "unix") and rest.startswith("//") and rest.strip("/"):
        return _open_redis(url)
    raise UnsupportedBroker(_without_password(url), _SUPPORTED)


def _open_redis(url: str) -> Broker:
    try:
        from longwire.broker.redis import RedisBroker
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "redis":
            raise
        raise UnsupportedBroker(
            _without_password(url), "install it first: pip install 'longwire[redis]'"
        ) from None
    try:
        return RedisBroker(url)
    except ValueError as error:
        raise UnsupportedBroker(_without_password(url), str(error)) from None


def _without_password(url: str) -> str:
    return re.sub(r"//.*@", "//…@", url)
