"""The Redis broker: logs that any number of processes share.

broker        the `Broker`
subscription  delivers one subscribed room in order and without gaps
maintenance   deletes unused rooms, and finds notifications that were lost
connection/   reconnecting, commands and their replies, pub/sub
log/          publishing, reading and compacting the log of a room
lua/          the scripts that run inside Redis, where a change must be atomic
"""

from longwire.broker.redis.broker import DEFAULT_PREFIX, RedisBroker

__all__ = ["DEFAULT_PREFIX", "RedisBroker"]
