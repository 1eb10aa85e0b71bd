"""Connections to Redis: the address, reconnecting, commands and pub/sub."""
