"""Detects a dead connection by publications that are not acknowledged, while jobs run."""

import asyncio

from longwire.client.sending.open_jobs import OpenJobs
from longwire.client.transport.session import TransportSession
from longwire.errors import NotConnected
from longwire.reasons import PING_TIMEOUT

# Seconds without an acknowledgement and without any byte from the server after which a connection
# is dead. The heartbeat needs up to 45 s for that, but a lease is 15 s by default. A shorter
# time would end connections to a server that is merely busy.
LONGEST_SILENCE = 5.0

# Jobs with very short leases must not make the client reconnect after every pause of the server.
SHORTEST_SILENCE = 1.0

# Seconds by which a timer may be late before its verdict is void: this process was stopped or busy,
# so bytes may have arrived that it has not read yet.
MAX_LAG = 0.5

# A slow uplink may need longer for one large publication. The time doubles with every connection
# in a row that brings no answer, up to this factor.
MAX_FACTOR = 8


class LinkWatch:
    """Closes the connection if a publication remains unanswered and no byte arrives.

    After half of the time the watch probes the connection, so a server that is alive but waits for
    its broker is not left. A watch costs one timer while an acknowledgement is outstanding.

    Args:
        jobs: The jobs that run, and how patient they are.
    """

    def __init__(self, jobs: OpenJobs) -> None:
        self._jobs = jobs
        self._session: TransportSession | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unanswered = 0
        self._reads = 0
        self._due = 0.0
        self._has_pinged = False
        self._factor = 1

    def request_sent(self, session: TransportSession) -> None:
        """Expect an acknowledgement over this connection."""
        if session is not self._session:
            self._stop()
            self._session = session
        self._unanswered += 1
        if self._unanswered == 1:
            self._begin(session)

    def answer_received(self, session: TransportSession) -> None:
        """Record an acknowledgement, or the end of the connection that it was expected over."""
        if session is self._session:
            self._unanswered -= 1
            if session.closed.done():
                self._stop()

    def _stop(self) -> None:
        self._session, self._unanswered = None, 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _begin(self, session: TransportSession, *, has_pinged: bool = False) -> None:
        patience = self._jobs.patience
        if patience is None:
            return
        silence = min(max(patience, SHORTEST_SILENCE), LONGEST_SILENCE) * self._factor
        self._reads, self._has_pinged = session.reads, has_pinged
        self._due = asyncio.get_running_loop().time() + silence / 2
        if self._timer is None:  # a timer that fires before `_due` is set again then
            self._set_timer(session)

    def _set_timer(self, session: TransportSession) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(self._due, self._handle_timer, session, self._due)

    def _handle_timer(self, session: TransportSession, due: float) -> None:
        self._timer = None
        has_read = session.reads != self._reads
        if has_read:
            self._factor = 1
        if not self._unanswered:
            return
        if has_read or asyncio.get_running_loop().time() - due > MAX_LAG:
            self._begin(session)
        elif due < self._due:
            self._set_timer(session)
        elif self._has_pinged:
            self._factor = min(self._factor * 2, MAX_FACTOR)
            session.fail(NotConnected("the server stopped answering"), PING_TIMEOUT)
        else:
            session.probe()
            self._begin(session, has_pinged=True)
