"""The server as an ASGI application, over long-polling and WebSocket, under any ASGI server."""
