"""Socket.IO v5 without I/O: encodes and decodes packets as text and binary attachments."""
