"""The log of a room in Redis, changed by Lua scripts only."""
