"""The Redis broker: logs that any number of processes share."""

from longwire.broker.redis.broker import DEFAULT_PREFIX, RedisBroker

__all__ = ["DEFAULT_PREFIX", "RedisBroker"]
