"""Actions that reach every node: revoking, disconnecting, announcing, and counting watchers."""
