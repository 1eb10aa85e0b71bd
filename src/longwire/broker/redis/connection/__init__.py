"""Connections to Redis.

address     opens a connection and prepares it
connection  a connection that reconnects by itself
commands    commands and their replies, through one connection
pubsub      channels and their messages, through another connection
"""
