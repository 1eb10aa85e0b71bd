"""Encodes events into entries of the outbox, and decodes their acknowledgements."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Any, Literal, TypeVar, cast

import msgspec
from msgspec import UNSET, UnsetType

from longwire import wire
from longwire.catalog import JobCreated
from longwire.client.answers import read_answer, read_attempt, read_position, read_value
from longwire.client.sending.outbox import Entry, Outbox
from longwire.clock import clock
from longwire.connection.events import AckReceived
from longwire.errors import CallTimeout, ConfigurationError, LocalProtocolError, NotConnected
from longwire.schema import Contract
from longwire.socketio.encoder import EncodedEvent, encode_event_body
from longwire.types import Position
from longwire.wire import PUBLISH, READ_VALUE, PublishRequest, ValueRequest

T = TypeVar("T")

logger = logging.getLogger("longwire.client")


class Publisher:
    """Sends events through the outbox; see `WebSocketClient.emit`, `call` and `publish`.

    Args:
        contract: Encodes the events that it declares.
        outbox: Sends entries, or keeps them for the next connection.
        check_loop: Raises if the caller runs on another event loop than the connection.
    """

    def __init__(self, contract: Contract, outbox: Outbox, check_loop: Callable[[], None]) -> None:
        self._contract = contract
        self._outbox = outbox
        self._check_loop = check_loop
        # The ids of this client's publications are its own, because the server remembers them.
        self._id_prefix = secrets.token_hex(8)
        self._published = 0

    def emit(self, event: object, args: tuple[object, ...]) -> asyncio.Future[None]:
        """Send an event; the future ends when it was passed to the transport."""
        self._check_loop()
        _, encoded, size = self._encode(event, args)
        entry = Entry(encoded, size, wants_ack=False, repeats=False)
        self._outbox.put(entry)
        if not entry.answer.done() or entry.answer.exception() is not None:
            entry.answer.add_done_callback(_log_not_sent)
        # An event that asks for no acknowledgement ends with None.
        return cast("asyncio.Future[None]", entry.answer)

    async def call(self, event: object, args: tuple[object, ...], timeout: float) -> Any:
        """Send an event and return the value of its acknowledgement."""
        self._check_loop()
        name, encoded, size = self._encode(event, args)
        ack = await self._ask(name, encoded, size, timeout)
        declaration = self._contract.declarations.get(name)
        return read_answer(ack, declaration.ack if declaration is not None else None)

    async def read_value(
        self, room: str, event: str, key: tuple[object, ...], timeout: float
    ) -> tuple[Position, bytes] | None:
        """Return position and payload of the newest value of an event; None without one."""
        self._check_loop()
        request = wire.encode(ValueRequest(room=room, event=event, key=key))
        body = encode_event_body(READ_VALUE, (request,))
        ack = await self._ask(READ_VALUE, body, len(bytes(request)), timeout)
        return read_value(ack, event, room)

    async def _ask(
        self, name: str, encoded: EncodedEvent, size: int, timeout: float
    ) -> AckReceived:
        entry = Entry(encoded, size, wants_ack=True, repeats=False)
        self._outbox.put(entry)
        try:
            async with asyncio.timeout(timeout):
                ack = await entry.answer
        except TimeoutError:
            raise CallTimeout(f"no acknowledgement of {name!r} within {timeout:g} s") from None
        if ack is None:
            raise NotConnected("the connection ended before the answer")
        return ack

    def publish(
        self,
        event: object,
        room: str | None,
        id: str | None,
        expect: Position | UnsetType | None,
        attempt: int | None,
        volatile: bool,
    ) -> asyncio.Future[Position]:
        """Send a publication; the future ends with its position in the room's log."""
        if volatile and (expect is not UNSET or attempt is not None):
            raise ConfigurationError("a volatile event has no position: omit expect and attempt")
        return self._publish(event, room, id, read_position, attempt, expect, volatile=volatile)

    def start_attempt(self, created: JobCreated, id: str | None) -> asyncio.Future[int]:
        """Begin the next attempt of a job; the future ends with its number."""
        return self._publish(created, None, id, read_attempt, "next")

    def _publish(
        self,
        event: object,
        room: str | None,
        id: str | None,
        read: Callable[[AckReceived, PublishRequest], T],
        attempt: int | Literal["next"] | None,
        expect: Position | UnsetType | None = UNSET,
        *,
        volatile: bool = False,
    ) -> asyncio.Future[T]:
        self._check_loop()
        encoded = self._contract.encode(event, _now_ms(), room)
        request = PublishRequest(
            event=encoded.event,
            data=msgspec.Raw(encoded.data),
            room=encoded.room,
            id=None if volatile else self._next_id() if id is None else id,
            attempt=attempt,
            expect=expect,
            volatile=volatile,
        )
        body = encode_event_body(PUBLISH, (wire.encode(request),))
        entry = Entry(body, len(encoded.data), wants_ack=True, repeats=not volatile)
        result: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def confirm(answer: asyncio.Future[AckReceived | None]) -> None:
            if not result.done():
                _settle_publication(result, answer, lambda ack: read(ack, request))

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
        return f"{self._id_prefix}:{self._published}"

    def _encode(self, event: object, args: tuple[object, ...]) -> tuple[str, EncodedEvent, int]:
        """Return the name, the encoded event, and the size of its payload."""
        if isinstance(event, str):
            body = encode_event_body(event, args)
            attached = sum(map(len, body.attachments))
            return event, body, len(body.json) - len(f'["{event}"]') + attached
        payload = self._contract.encode(event, _now_ms())
        if not self._contract.declaration(payload.event).allows("client"):
            raise LocalProtocolError(f"clients cannot emit {payload.event!r}; publish it")
        body = encode_event_body(payload.event, (msgspec.Raw(payload.data), *args))
        return payload.event, body, len(payload.data)


def _now_ms() -> int:
    return int(clock.time() * 1000)


def _log_not_sent(answer: asyncio.Future[AckReceived | None]) -> None:
    if not answer.cancelled() and answer.exception() is not None:
        logger.warning("an event was not sent: %s", answer.exception())


def _settle_publication(
    result: asyncio.Future[T],
    answer: asyncio.Future[AckReceived | None],
    read: Callable[[AckReceived], T],
) -> None:
    if answer.cancelled():
        result.cancel()
        return
    try:
        ack = answer.result()
        if ack is None:
            raise NotConnected("the connection ended before the answer")
        result.set_result(read(ack))
    except Exception as error:
        result.set_exception(error)
