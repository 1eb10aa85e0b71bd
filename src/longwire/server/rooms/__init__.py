"""The rooms of this node: members as cursors into logs, fan-out of new entries, catching up."""
