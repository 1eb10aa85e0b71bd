"""Handlers and iterators, their queues, pausing and throttling."""
