"""One end of a Socket.IO connection over Engine.IO, without I/O."""
