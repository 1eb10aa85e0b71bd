"""The Redis broker: logs that many processes share.

broker       the `Broker`
address      where Redis is, and what is settled with it before a connection is used
line         a connection that comes back by itself
commands     commands and their replies, over one line
doorbell     pub/sub, over another
room_script  the scripts of one room, as commands; their text is in lua/
publishing   publishes of one loop tick in few script calls
reading      the log as `RoomLog` would answer
folding      streamed text in few entries
feed         what a subscribed room delivers, in order and without a hole
upkeep       rooms in use, rooms out of use, bells that never rang
entry        what stands in Redis for an entry
"""

from __future__ import annotations

from longwire.broker.redis.broker import DEFAULT_PREFIX, RedisBroker

__all__ = ["DEFAULT_PREFIX", "RedisBroker"]
