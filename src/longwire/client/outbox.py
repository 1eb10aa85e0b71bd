"""What waits to be sent, and publications that wait to be confirmed, in one order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from longwire.errors import NotConnected, OutboxFull

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from longwire.connection import AckReceived


class Sender(Protocol):
    """What the outbox needs from a connection."""

    def send(self, name: str, args: Sequence[object]) -> None:
        """Send an event."""
        ...

    def request(
        self, name: str, args: Sequence[object], answered: Callable[[AckReceived | None], None]
    ) -> None:
        """Send an event and hear its acknowledgement, or None when the connection ends."""
        ...


class Entry:
    """One event on its way out.

    Attributes:
        answer: ends with the acknowledgement; with None for an event that asks for none.
        wants_ack: whether it asks for one.
        repeats: whether it is sent again over the next connection when none came.
    """

    __slots__ = ("answer", "args", "name", "repeats", "size", "wants_ack")

    def __init__(
        self, name: str, args: Sequence[object], size: int, *, wants_ack: bool, repeats: bool
    ) -> None:
        self.name = name
        self.args = args
        self.size = size
        self.wants_ack = wants_ack
        self.repeats = repeats
        self.answer: asyncio.Future[AckReceived | None] = asyncio.get_running_loop().create_future()


class Outbox:
    """Keeps the order of what is sent, offline and over reconnects, within bounds.

    Args:
        max_entries: most entries that may wait.
        max_bytes: the same, by payload.

    Attributes:
        given_up: entries that were refused or dropped; their callers were told.
    """

    __slots__ = ("_bytes", "_entries", "_max_bytes", "_max_entries", "_sender", "given_up")

    def __init__(self, max_entries: int, max_bytes: int) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._entries: dict[Entry, None] = {}
        self._bytes = 0
        self._sender: Sender | None = None
        self.given_up = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def is_online(self) -> bool:
        """Whether what is put is sent at once."""
        return self._sender is not None

    def put(self, entry: Entry) -> None:
        """Send now, or keep for the next connection.

        Raises:
            OutboxFull: too much waits already; the entry is not taken.
        """
        if self._sender is None or entry.repeats:
            self._keep(entry)
        if self._sender is not None:
            self._send(entry, self._sender)

    def resume(self, sender: Sender) -> None:
        """Send everything that waits over a new connection, in order."""
        self._sender = sender
        for entry in list(self._entries):
            self._send(entry, sender)

    def suspend(self) -> None:
        """The connection is gone."""
        self._sender = None

    def fail(self, error: Exception) -> None:
        """Give everything up."""
        self._sender = None
        for entry in list(self._entries):
            self._drop(entry)
            self.given_up += 1
            if not entry.answer.done():
                entry.answer.set_exception(error)

    def _keep(self, entry: Entry) -> None:
        if len(self._entries) >= self._max_entries or self._bytes + entry.size > self._max_bytes:
            self.given_up += 1
            raise OutboxFull(len(self._entries), self._bytes)
        self._entries[entry] = None
        self._bytes += entry.size

    def _drop(self, entry: Entry) -> None:
        if entry in self._entries:
            del self._entries[entry]
            self._bytes -= entry.size

    def _send(self, entry: Entry, sender: Sender) -> None:
        if not entry.repeats or entry.answer.done():
            self._drop(entry)
        if entry.answer.done():  # its caller was cancelled
            return
        if not entry.wants_ack:
            sender.send(entry.name, entry.args)
            entry.answer.set_result(None)
            return

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

        sender.request(entry.name, entry.args, answered)
