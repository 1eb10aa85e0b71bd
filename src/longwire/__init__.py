"""Realtime for ASGI, wire-compatible with Socket.IO: rooms are logs, connections are cursors."""
