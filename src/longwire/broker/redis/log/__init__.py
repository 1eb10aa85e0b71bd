"""A room's log in Redis: publishing, reading and folding through Lua scripts."""
