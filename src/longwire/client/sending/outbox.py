"""Events that wait to be sent, and publications that wait to be confirmed, in one order."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from functools import partial

import msgspec

from longwire.background import new_future
from longwire.client.answers import read_rejection
from longwire.client.sending.link_watch import LinkWatch
from longwire.client.sending.outbox_file import OutboxFile, Record
from longwire.client.transport.session import TransportSession
from longwire.clock import clock
from longwire.connection.events import AckReceived
from longwire.errors import (
    CallTimeout,
    LocalProtocolError,
    LongwireError,
    NotConnected,
    OutboxFull,
)
from longwire.socketio.encoder import EncodedEvent

logger = logging.getLogger("longwire.client")

# Seconds after its first sending in which a publication may be sent again with its id. Servers
# remember ids for five minutes; the rest is for the time that it is under way.
ID_WINDOW = 290.0

# Maximum number of seconds between two checks for entries that waited too long. A new connection
# checks right before it sends.
EXPIRY_INTERVAL = 10.0


@dataclass(eq=False, repr=False, slots=True)
class Entry:
    """One event on its way to the server.

    Attributes:
        event: The event, encoded when it was put: later changes of its values are not sent.
        size: Bytes of its payload.
        wants_ack: Whether it asks for an acknowledgement.
        repeats: Whether it is sent again over the next connection if none arrived.
        answer: Ends with the acknowledgement; with None once sent, if it asks for none.
        put_at: When it was put, in seconds since the epoch.
        sent_at: When it was first sent; None before.
        number: Its number in the file; None if it is only in memory.
    """

    event: EncodedEvent
    size: int
    wants_ack: bool
    repeats: bool
    put_at: float = field(default_factory=lambda: clock.time())
    sent_at: float | None = None
    number: int | None = None
    answer: asyncio.Future[AckReceived | None] = field(default_factory=new_future)

    @classmethod
    def restore(cls, record: Record) -> Entry:
        """Return the entry that an earlier run stored."""
        is_publication = record.is_publication
        entry = cls(record.event, record.size, wants_ack=is_publication, repeats=is_publication)
        entry.number, entry.put_at, entry.sent_at = record.number, record.put_at, record.sent_at
        entry.answer.add_done_callback(_log_failure)
        return entry


class OutboxLimits(msgspec.Struct, frozen=True):
    """Bounds of an outbox.

    Attributes:
        entries: Maximum number of waiting entries.
        bytes: Maximum total size of their payloads.
        age: Maximum number of seconds that an entry waits to be sent.
    """

    entries: int
    bytes: int
    age: float


class Outbox:
    """Keeps the order of what is sent, offline and across reconnects, within bounds.

    Args:
        limits: The bounds.
        watch: Detects publications that remain unanswered.
        file: Stores emitted events and publications as well, from the first use until `fail`.

    Attributes:
        given_up: Number of entries that were rejected or dropped; their callers got an exception.
        refusal: Why there will be no connection, or None if there may be one. With a refusal, new
            entries fail at once, unless they are stored in a file.
    """

    def __init__(
        self, limits: OutboxLimits, watch: LinkWatch, file: OutboxFile | None = None
    ) -> None:
        self._limits = limits
        self._watch = watch
        self._file = file
        self._entries: dict[Entry, None] = {}
        self._bytes = 0
        self._session: TransportSession | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.given_up = 0
        self.refusal: Exception | None = None

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def is_online(self) -> bool:
        """Whether new entries are sent at once."""
        return self._session is not None

    def put(self, entry: Entry) -> None:
        """Send an entry now, or keep it for the next connection.

        Its answer fails at once if there is a `refusal`.

        Raises:
            OutboxFull: Too many entries wait already; this one is not accepted.
            OutboxFileError: The file cannot be used; the entry is not accepted.
        """
        if self.refusal is not None and not self._is_stored(entry):
            self._refuse(entry, self.refusal)
            return
        if self._session is None or entry.repeats:
            self._keep(entry)
        if self._session is not None:
            self._send(entry, self._session)

    def open(self) -> None:
        """Open the file, if there is one, and load what an earlier run left in it.

        Raises:
            OutboxFileError: The file cannot be used.
        """
        if self._file is None or self._file.is_open:
            return
        for record in self._file.open():
            self._add(Entry.restore(record))

    def resume(self, session: TransportSession) -> None:
        """Send all waiting entries over a new connection, in order."""
        self._expire()
        self._session = session
        for entry in list(self._entries):
            self._send(entry, session)

    def suspend(self) -> None:
        """Keep new entries for the next connection."""
        self._session = None

    def fail(self, error: Exception) -> None:
        """Fail all entries with `error`; those in the file wait for the next run."""
        self._session = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for entry in list(self._entries):
            if entry.number is None:
                self._give_up(entry, error)
            elif not entry.answer.done() and self._file is not None:
                entry.answer.set_exception(NotConnected(f"it waits in {self._file.path}"))
        self._entries.clear()
        self._bytes = 0
        if self._file is not None:
            self._file.close()

    # Keeping

    def _keep(self, entry: Entry) -> None:
        self.open()
        limits = self._limits
        if len(self._entries) >= limits.entries or self._bytes + entry.size > limits.bytes:
            self.given_up += 1
            raise OutboxFull(len(self._entries), self._bytes, entry.size)
        if self._file is not None and self._is_stored(entry):
            entry.number = self._file.put(entry.event, entry.size, entry.repeats, entry.put_at)
        self._add(entry)

    def _is_stored(self, entry: Entry) -> bool:
        # A call is not stored: after a restart, no task would await its acknowledgement.
        return self._file is not None and (entry.repeats or not entry.wants_ack)

    def _refuse(self, entry: Entry, reason: Exception) -> None:
        error = NotConnected(f"the client gave up ({reason}); retry() or connect() starts again")
        error.__cause__ = reason
        self._give_up(entry, error)

    def _add(self, entry: Entry) -> None:
        self._entries[entry] = None
        self._bytes += entry.size
        if entry.number is None:  # entries in the file wait for the next run even if cancelled
            entry.answer.add_done_callback(partial(self._receive_cancellation, entry))
        if self._timer is None:
            self._schedule_expiry()

    def _drop(self, entry: Entry) -> None:
        if entry in self._entries:
            del self._entries[entry]
            self._bytes -= entry.size
            if entry.number is not None and self._file is not None:
                self._file.drop(entry.number)

    def _receive_cancellation(
        self, entry: Entry, answer: asyncio.Future[AckReceived | None]
    ) -> None:
        if answer.cancelled():
            self._drop(entry)

    def _give_up(self, entry: Entry, error: Exception) -> None:
        self._drop(entry)
        self.given_up += 1
        if not entry.answer.done():
            entry.answer.set_exception(error)

    # Expiry

    def _schedule_expiry(self) -> None:
        delay = min(self._limits.age, EXPIRY_INTERVAL)
        self._timer = asyncio.get_running_loop().call_later(delay, self._handle_timer)

    def _handle_timer(self) -> None:
        self._timer = None
        self._expire()
        if self._entries:
            self._schedule_expiry()

    def _expire(self) -> None:
        now = clock.time()
        for entry in list(self._entries):
            error = self._expiry_error(entry, now)
            if error is not None:
                self._give_up(entry, error)

    def _expiry_error(self, entry: Entry, now: float) -> LongwireError | None:
        # If the clock was set back, the time since the sending is unknown.
        if entry.sent_at is not None and not 0 <= now - entry.sent_at <= ID_WINDOW:
            return CallTimeout("no answer in time; the event may or may not have been published")
        if entry.sent_at is None and now - entry.put_at >= self._limits.age:
            return NotConnected(f"there was no connection for {self._limits.age:g} s")
        return None

    # Sending

    def _send(self, entry: Entry, session: TransportSession) -> None:
        if not entry.repeats or entry.answer.done():
            self._drop(entry)
        if entry.answer.done():  # cancelled by its caller
            return
        try:
            if not entry.wants_ack:
                session.send_encoded(entry.event)
                entry.answer.set_result(None)
                return
            if entry.sent_at is None:
                self._mark_sent(entry)
            self._request(entry, session)
        except LocalProtocolError as error:  # it exceeds the server's maximum message size
            self._give_up(entry, error)

    def _request(self, entry: Entry, session: TransportSession) -> None:
        def answered(ack: AckReceived | None) -> None:
            if entry.repeats:
                self._watch.answer_received(session)
            if ack is None and entry.repeats and not entry.answer.done():
                return  # it is sent again
            self._drop(entry)
            if entry.answer.done():
                return
            if ack is None:
                entry.answer.set_exception(NotConnected("the connection ended before the answer"))
            else:
                entry.answer.set_result(ack)

        forget = session.request_encoded(entry.event, answered)
        if entry.repeats:
            self._watch.request_sent(session)
        else:
            entry.answer.add_done_callback(lambda answer: answer.cancelled() and forget())

    def _mark_sent(self, entry: Entry) -> None:
        entry.sent_at = clock.time()
        if entry.number is not None and self._file is not None:
            self._file.mark_sent(entry.number, entry.sent_at)


def _log_failure(answer: asyncio.Future[AckReceived | None]) -> None:
    """Log that an event of an earlier run failed, since its caller no longer exists."""
    if answer.cancelled():
        return
    fault: object = answer.exception()
    if fault is None:
        ack = answer.result()
        rejection = None if ack is None else read_rejection(ack.values())
        fault = None if rejection is None else rejection.message
    if fault is not None:
        logger.warning("an event of an earlier run failed: %s", fault)
