"""The SQLite broker: the logs of one process in a file.

broker        the `Broker`
group_commit  commits concurrent publishes together
file          opens, checks, migrates, reads and writes the file
"""

from longwire.broker.sqlite.broker import SQLiteBroker, SQLiteLimits

__all__ = ["SQLiteBroker", "SQLiteLimits"]
