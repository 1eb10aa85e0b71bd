"""Connection state recovery for stock Socket.IO clients."""
