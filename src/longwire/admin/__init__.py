"""The operator's view of a server: what it carries now, and what has gone wrong."""
