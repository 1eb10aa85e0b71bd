"""The client for scripts, notebooks and threads: `longwire.client` without `await`.

client        `WebSocketClient`, with the methods of the asyncio client
subscribing   handlers and iterators
loop_thread   the thread of the connection, and the thread of the handlers
stream        events and the states of a job as plain iterators
job           a job that runs in this process
"""

from longwire.sync.client import WebSocketClient
from longwire.sync.job import Job
from longwire.sync.listener import Listener
from longwire.sync.room import Room
from longwire.sync.stream import EventStream, JobTracker

__all__ = ["EventStream", "Job", "JobTracker", "Listener", "Room", "WebSocketClient"]
