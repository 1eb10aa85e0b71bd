"""From an event to an entry of the outbox, and from its answer to a value."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING, Any, cast

import msgspec

from longwire.client.answers import read_answer, read_published
from longwire.client.sending.outbox import Entry, Outbox
from longwire.clock import clock
from longwire.errors import CallTimeout, LocalProtocolError, NotConnected
from longwire.socketio import MAIN, encode_event
from longwire.wire import PUBLISH, PublishRequest, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from longwire.connection import AckReceived
    from longwire.schema import Contract
    from longwire.types import Position

logger = logging.getLogger("longwire.client")


class Outgoing:
    """Encodes and sends; see `WebSocketClient.emit`, `call` and `publish` for the promises.

    Args:
        contract: the events.
        outbox: sends, or keeps.
        check_loop: raises where nobody could wait for an answer.
    """

    __slots__ = ("_check_loop", "_contract", "_name", "_outbox", "_published")

    def __init__(self, contract: Contract, outbox: Outbox, check_loop: Callable[[], None]) -> None:
        self._contract = contract
        self._outbox = outbox
        self._check_loop = check_loop
        # Publications of this client have ids of its own; the server remembers them.
        self._name = secrets.token_hex(8)
        self._published = 0

    def emit(self, event: object, args: tuple[object, ...]) -> asyncio.Future[None]:
        """Send; the future ends when the event was handed over."""
        self._check_loop()
        name, values, size = self._encode(event, args)
        entry = Entry(name, values, size, wants_ack=False, repeats=False)
        self._outbox.put(entry)
        if not entry.answer.done() or entry.answer.exception() is not None:
            entry.answer.add_done_callback(_report_given_up)
        # An event that wants no acknowledgement ends with None.
        return cast("asyncio.Future[None]", entry.answer)

    async def call(self, event: object, args: tuple[object, ...], timeout: float) -> Any:
        """Send and wait for the acknowledgement's value."""
        self._check_loop()
        name, values, size = self._encode(event, args)
        entry = Entry(name, values, size, wants_ack=True, repeats=False)
        self._outbox.put(entry)
        try:
            async with asyncio.timeout(timeout):
                ack = await entry.answer
        except TimeoutError:
            raise CallTimeout(f"no acknowledgement of {name!r} in {timeout} s") from None
        if ack is None:
            raise NotConnected("the connection ended before the answer")
        declaration = self._contract.declarations.get(name)
        return read_answer(ack, declaration.ack if declaration is not None else None)

    def publish(
        self, event: object, room: str | None, id: str | None, volatile: bool
    ) -> asyncio.Future[Position]:
        """Send a publication; the future ends with its position."""
        self._check_loop()
        encoded = self._contract.encode(event, _now_ms(), room)
        request = PublishRequest(
            event=encoded.event,
            data=msgspec.Raw(encoded.data),
            room=encoded.room,
            id=None if volatile else self._next_id() if id is None else id,
            volatile=volatile,
        )
        message = encode(request)
        entry = Entry(PUBLISH, (message,), len(encoded.data), wants_ack=True, repeats=not volatile)
        result: asyncio.Future[Position] = asyncio.get_running_loop().create_future()

        def confirm(answer: asyncio.Future[AckReceived | None]) -> None:
            if not result.done():
                _settle_publication(result, answer, request)

        entry.answer.add_done_callback(confirm)
        result.add_done_callback(lambda done: done.cancelled() and entry.answer.cancel())
        if volatile and not self._outbox.is_online:
            error = NotConnected("a volatile event does not wait for a connection")
            entry.answer.set_exception(error)
        else:
            self._outbox.put(entry)
        return result

    def _next_id(self) -> str:
        self._published += 1
        return f"{self._name}:{self._published}"

    def _encode(
        self, event: object, args: tuple[object, ...]
    ) -> tuple[str, tuple[object, ...], int]:
        if isinstance(event, str):
            # What can never be sent is refused now, not when its turn has come.
            text, attachments = encode_event(MAIN, event, args)
            size = len(text) - len(f'2["{event}"]') + sum(map(len, attachments))
            return event, args, size
        encoded = self._contract.encode(event, _now_ms())
        if not self._contract.declaration(encoded.event).allows("client"):
            raise LocalProtocolError(f"{encoded.event!r} is not for clients to emit; publish it")
        return encoded.event, (msgspec.Raw(encoded.data), *args), len(encoded.data)


def _now_ms() -> int:
    return int(clock.time() * 1000)


def _report_given_up(answer: asyncio.Future[AckReceived | None]) -> None:
    if not answer.cancelled() and answer.exception() is not None:
        logger.warning("an event was not sent: %s", answer.exception())


def _settle_publication(
    result: asyncio.Future[Position],
    answer: asyncio.Future[AckReceived | None],
    request: PublishRequest,
) -> None:
    if answer.cancelled():
        result.cancel()
        return
    try:
        ack = answer.result()
        if ack is None:
            raise NotConnected("the connection ended before the answer")
        result.set_result(read_published(ack, request))
    except Exception as error:
        result.set_exception(error)
