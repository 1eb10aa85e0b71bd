"""What waits to be sent, and publications that wait to be confirmed, in one order."""

from __future__ import annotations

import asyncio
import logging
import os
from functools import partial
from typing import TYPE_CHECKING, Protocol

import msgspec

from longwire.client.answers import read_rejection
from longwire.client.sending.outbox_file import OutboxFile
from longwire.clock import clock
from longwire.errors import (
    CallTimeout,
    LocalProtocolError,
    LongwireError,
    NotConnected,
    OutboxFileError,
    OutboxFull,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from longwire.client.options import ClientOptions
    from longwire.connection import AckReceived

logger = logging.getLogger("longwire.client")

# For how long after it was first sent a publication may be sent again with its id: servers
# remember ids for five minutes, and the way there takes time too.
ID_WINDOW = 290.0

# How often ages are looked at, at least. What is sent is always looked at right before.
LOOK_EVERY = 10.0


class Sender(Protocol):
    """What the outbox needs from a connection."""

    def send(self, name: str, args: Sequence[object]) -> None:
        """Send an event."""
        ...

    def request(
        self, name: str, args: Sequence[object], answered: Callable[[AckReceived | None], None]
    ) -> Callable[[], object]:
        """Send an event and hear its acknowledgement, or None when the connection ends.

        Returns:
            What to call if nobody waits for it any more.
        """
        ...


class Entry:
    """One event on its way out.

    Attributes:
        answer: ends with the acknowledgement; with None for an event that asks for none.
        wants_ack: whether it asks for one.
        repeats: whether it is sent again over the next connection when none came.
        put_at: when it was put, seconds since the epoch.
        sent_at: when it was first sent; None before.
        number: its number in the file; None for what is in memory only.
    """

    __slots__ = (
        "answer",
        "args",
        "name",
        "number",
        "put_at",
        "repeats",
        "sent_at",
        "size",
        "wants_ack",
    )

    def __init__(
        self, name: str, args: Sequence[object], size: int, *, wants_ack: bool, repeats: bool
    ) -> None:
        self.name = name
        self.args = args
        self.size = size
        self.wants_ack = wants_ack
        self.repeats = repeats
        self.put_at = clock.time()
        self.sent_at: float | None = None
        self.number: int | None = None
        self.answer: asyncio.Future[AckReceived | None] = asyncio.get_running_loop().create_future()


class Limits(msgspec.Struct, frozen=True):
    """What an outbox may hold.

    Attributes:
        entries: most entries that may wait.
        bytes: the same, by payload.
        age: most seconds that one may wait.
    """

    entries: int
    bytes: int
    age: float


class Outbox:
    """Keeps the order of what is sent, offline and over reconnects, within bounds.

    Args:
        limits: the bounds.
        path: a file in which emitted events and publications wait as well; it is open from the
            first use until `fail`.

    Attributes:
        given_up: entries that were refused or dropped; their callers were told.
        refusal: why there will be no connection; what is put then fails at once, unless a file
            keeps it. None while there may be one.
    """

    __slots__ = (
        "_bytes",
        "_entries",
        "_file",
        "_limits",
        "_path",
        "_sender",
        "_timer",
        "given_up",
        "refusal",
    )

    def __init__(self, limits: Limits, path: str | None = None) -> None:
        self._limits = limits
        self._path = path
        self._file: OutboxFile | None = None
        self._entries: dict[Entry, None] = {}
        self._bytes = 0
        self._sender: Sender | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.given_up = 0
        self.refusal: Exception | None = None

    @classmethod
    def of(cls, options: ClientOptions) -> Outbox:
        """Return the outbox that a client's options describe."""
        limits = Limits(options.outbox_entries, options.outbox_bytes, options.outbox_age)
        return cls(limits, None if options.outbox_file is None else os.fspath(options.outbox_file))

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def is_online(self) -> bool:
        """Whether what is put is sent at once."""
        return self._sender is not None

    def put(self, entry: Entry) -> None:
        """Send now, or keep for the next connection; its answer fails at once if there is none.

        Raises:
            OutboxFull: too much waits already; the entry is not taken.
            OutboxFileError: the file cannot be used; the entry is not taken.
        """
        if self.refusal is not None and not self._is_for_file(entry):
            self._refuse(entry, self.refusal)
            return
        if self._sender is None or entry.repeats:
            self._keep(entry)
        if self._sender is not None:
            self._send(entry, self._sender)

    def resume(self, sender: Sender) -> None:
        """Send everything that waits over a new connection, in order."""
        self._expire()
        self._sender = sender
        for entry in list(self._entries):
            self._send(entry, sender)

    def open(self) -> None:
        """Take the file, and what an earlier run left in it.

        Raises:
            OutboxFileError: the file cannot be used.
        """
        if self._path is None or self._file is not None:
            return
        file = OutboxFile(self._path)
        try:
            records = file.read()
        except OutboxFileError:
            file.close()
            raise
        self._file = file
        for record in records:
            kept = record.is_publication
            entry = Entry(record.name, record.args, record.size, wants_ack=kept, repeats=kept)
            entry.number, entry.put_at, entry.sent_at = record.number, record.put_at, record.sent_at
            entry.answer.add_done_callback(_report)
            self._add(entry)

    def suspend(self) -> None:
        """The connection is gone."""
        self._sender = None

    def fail(self, error: Exception) -> None:
        """Give up everything but what is kept in the file; tell everybody who waits."""
        self._sender = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for entry in list(self._entries):
            if entry.number is None:
                self._give_up(entry, error)
            elif not entry.answer.done():
                entry.answer.set_exception(NotConnected(f"it waits in {self._path}"))
        self._entries.clear()
        self._bytes = 0
        if self._file is not None:
            self._file.close()
            self._file = None

    # Keeping

    def _keep(self, entry: Entry) -> None:
        self.open()
        limits = self._limits
        if len(self._entries) >= limits.entries or self._bytes + entry.size > limits.bytes:
            self.given_up += 1
            raise OutboxFull(len(self._entries), self._bytes, entry.size)
        if self._file is not None and self._is_for_file(entry):
            entry.number = self._file.put(
                entry.name, entry.args, entry.size, entry.repeats, entry.put_at
            )
        self._add(entry)

    def _is_for_file(self, entry: Entry) -> bool:
        # A call is not: nobody would be there to hear its answer.
        return self._path is not None and (entry.repeats or not entry.wants_ack)

    def _refuse(self, entry: Entry, reason: Exception) -> None:
        error = NotConnected(f"the client gave up ({reason}); retry() or connect() starts again")
        error.__cause__ = reason
        self._give_up(entry, error)

    def _add(self, entry: Entry) -> None:
        self._entries[entry] = None
        self._bytes += entry.size
        if entry.number is None:  # what is in the file waits for the next run, whoever gave up
            entry.answer.add_done_callback(partial(self._receive_cancellation, entry))
        if self._timer is None:
            self._look_later()

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

    # Ages

    def _look_later(self) -> None:
        delay = min(self._limits.age, LOOK_EVERY)
        self._timer = asyncio.get_running_loop().call_later(delay, self._look)

    def _look(self) -> None:
        self._timer = None
        self._expire()
        if self._entries:
            self._look_later()

    def _expire(self) -> None:
        now = clock.time()
        for entry in list(self._entries):
            error = self._reason_to_give_up(entry, now)
            if error is not None:
                self._give_up(entry, error)

    def _reason_to_give_up(self, entry: Entry, now: float) -> LongwireError | None:
        if entry.sent_at is not None and now - entry.sent_at > ID_WINDOW:
            return CallTimeout("no answer came in time; whether it was published is unknown")
        if entry.sent_at is None and now - entry.put_at >= self._limits.age:
            return NotConnected(f"there was no connection for {self._limits.age:g} s")
        return None

    # Sending

    def _send(self, entry: Entry, sender: Sender) -> None:
        if not entry.repeats or entry.answer.done():
            self._drop(entry)
        if entry.answer.done():  # its caller was cancelled
            return
        if not entry.wants_ack:
            self._send_once(entry, sender)
            return
        if entry.sent_at is None:
            self._mark_sent(entry)
        self._request(entry, sender)

    def _send_once(self, entry: Entry, sender: Sender) -> None:
        try:
            sender.send(entry.name, entry.args)
        except LocalProtocolError as error:  # its caller has changed the values meanwhile
            self._give_up(entry, error)
        else:
            entry.answer.set_result(None)

    def _request(self, entry: Entry, sender: Sender) -> None:
        def answered(ack: AckReceived | None) -> None:
            if ack is None and entry.repeats and not entry.answer.done():
                return
            self._drop(entry)
            if entry.answer.done():
                return
            if ack is None:
                entry.answer.set_exception(NotConnected("the connection ended before the answer"))
            else:
                entry.answer.set_result(ack)

        try:
            forget = sender.request(entry.name, entry.args, answered)
        except LocalProtocolError as error:
            self._give_up(entry, error)
            return
        if not entry.repeats:
            entry.answer.add_done_callback(lambda answer: answer.cancelled() and forget())

    def _mark_sent(self, entry: Entry) -> None:
        entry.sent_at = clock.time()
        if entry.number is not None and self._file is not None:
            self._file.mark_sent(entry.number, entry.sent_at)


def _report(answer: asyncio.Future[AckReceived | None]) -> None:
    """Log what becomes of an event whose caller is gone."""
    if answer.cancelled():
        return
    fault: object = answer.exception()
    if fault is None:
        ack = answer.result()
        rejection = None if ack is None else read_rejection(ack.values())
        fault = None if rejection is None else rejection.message
    if fault is not None:
        logger.warning("an event of an earlier run failed: %s", fault)
