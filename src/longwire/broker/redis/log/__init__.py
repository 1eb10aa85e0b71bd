"""The log of a room in Redis, changed by Lua scripts only.

entry         the encoding of entries and notifications
script        the Lua scripts as loaded into Redis
room_scripts  the commands that run a script on a room
publishing    appends, gathered per iteration of the event loop
reading       reads with the same results as `RoomLog`
compaction    joins streamed text into fewer entries
"""
