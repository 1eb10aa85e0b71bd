"""The client for scripts, notebooks and threads: `longwire.client` without `await`."""

from longwire.sync.client import WebSocketClient
from longwire.sync.job import Job
from longwire.sync.listener import Listener
from longwire.sync.room import Room
from longwire.sync.stream import EventStream, JobTracker

__all__ = ["EventStream", "Job", "JobTracker", "Listener", "Room", "WebSocketClient"]
