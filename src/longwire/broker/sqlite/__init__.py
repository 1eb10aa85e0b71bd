"""The SQLite broker: the logs of one process in a file."""

from longwire.broker.sqlite.broker import SQLiteBroker, SQLiteLimits

__all__ = ["SQLiteBroker", "SQLiteLimits"]
