"""The client for scripts, notebooks and threads: `longwire.client` without `await`.

client        `WebSocketClient`, with the names and the behaviour of the asyncio one
loop_thread   the thread that runs the connection, and the one that runs handlers
stream        events and a job's states as plain iterators
job           a job that runs here
"""

from longwire.sync.client import WebSocketClient
from longwire.sync.job import Job
from longwire.sync.listener import Listener
from longwire.sync.room import Room
from longwire.sync.stream import EventStream, JobTracker

__all__ = ["EventStream", "Job", "JobTracker", "Listener", "Room", "WebSocketClient"]
