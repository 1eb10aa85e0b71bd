"""The SQLite broker: logs of one process, kept in a file.

broker        the `Broker`
group_commit  publishes that are committed together
file          opening, checking, migrating, reading and writing the file
"""

from longwire.broker.sqlite.broker import SQLiteBroker, SQLiteLimits

__all__ = ["SQLiteBroker", "SQLiteLimits"]
