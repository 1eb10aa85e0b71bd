"""The server as an ASGI application: long-polling and WebSocket under any ASGI server."""
