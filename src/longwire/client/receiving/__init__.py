"""The receive path: from decoded events to handlers, and the calls that subscribe."""
