"""One open connection, over WebSocket or long-polling."""
