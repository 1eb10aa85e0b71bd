"""Events on their way out: what waits for a connection or an acknowledgement."""
