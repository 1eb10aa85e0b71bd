"""Brokers: storage of room logs, and delivery of new entries to nodes."""

import re
from urllib.parse import unquote

from longwire.broker.base import Broker, Receiver, Written
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
    "Written",
    "open_broker",
]

_SUPPORTED = "use memory:, sqlite:///relative.db, sqlite:////absolute.db or redis://host:6379/0"


def open_broker(url: str) -> Broker:
    """Return the broker for a URL, not yet started.

    `memory:` returns a `MemoryBroker`. `sqlite:///` followed by a path returns a `SQLiteBroker`;
    an absolute path starts with a fourth slash, and `%` escapes are decoded.
    `redis://[user:password@]host[:port][/database]`, `rediss://…` (TLS) and
    `unix://[user:password@]/path[?db=database]` return a `RedisBroker`, which requires the extra
    `longwire[redis]`.

    Raises:
        UnsupportedBroker: the URL is malformed, or this installation does not support it.
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
