"""Sending events, and keeping those that wait for a connection or an acknowledgement."""
