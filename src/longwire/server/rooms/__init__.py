"""Rooms on this node: members as cursors, fan-out of new entries, and replay of old ones."""
