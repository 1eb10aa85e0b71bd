"""One connection to the server, over a WebSocket or long-polling."""
