"""One connection across its transports, with its deadlines and tasks."""
