"""Consumers: handlers of the application that receive every event of some types, at least once."""
