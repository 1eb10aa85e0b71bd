"""One Engine.IO connection across its transports: protocol, deadlines, slow peers, tasks."""
