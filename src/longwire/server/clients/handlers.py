"""The application's handlers for events that clients send."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from longwire.connection.events import EventReceived
from longwire.errors import ContractError, UnknownEvent
from longwire.schema import Contract, Event
from longwire.server.clients.socket import Socket
from longwire.wire import EVENT_NAMES

Received = TypeVar("Received")
E = TypeVar("E", bound=Event)

Handler = Callable[[Received, Socket], object]
"""Handles a client's event. The return value, awaited if awaitable, is the acknowledgement."""

TypedHandler = Callable[[E, Socket], Awaitable[object]]
"""Handles a declared event, which was validated; returns the acknowledgement."""

RawHandler = Callable[[list[Any], Socket], Awaitable[object]]
"""Handles an undeclared event, given its arguments as JSON values and bytes."""


class Handlers:
    """The handlers of one server, by event name."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._defaults: dict[str, TypedHandler[Any]] = {}
        self._typed: dict[str, TypedHandler[Any]] = {}
        self._raw: dict[str, RawHandler] = {}

    def add_default(self, name: str, handler: TypedHandler[Any]) -> None:
        """Add the handler of a declared event for which the application adds none."""
        self._defaults[name] = handler

    def check(self, name: str) -> None:
        """Return if a handler of a declared event may be added.

        Raises:
            ContractError: the contract does not have this event, clients may not send it, or it has
                a handler already.
        """
        if name not in self._contract.events:
            raise ContractError(f"event {name!r} is not in the server's contract")
        if not self._contract.declaration(name).allows("client"):
            raise ContractError(
                f"clients cannot send {name!r}, so its handler would never be called; declare the "
                "event with origin='client' or 'both', or receive it with WebSocketClient.on"
            )
        self._check_free(name)

    def add(self, name: str, handler: TypedHandler[Any]) -> None:
        """Add the handler of a declared event; raises like `check`."""
        self.check(name)
        self._typed[name] = handler

    def check_raw(self, name: str) -> None:
        """Return if a handler of an undeclared event may be added.

        Raises:
            ContractError: the event is declared, is reserved, or has a handler already.
        """
        if name in self._contract.events or name in EVENT_NAMES:
            raise ContractError(
                f"event {name!r} is declared or reserved; to handle a declared event, pass its type"
            )
        self._check_free(name)

    def add_raw(self, name: str, handler: RawHandler) -> None:
        """Add the handler of an undeclared event; raises like `check_raw`."""
        self.check_raw(name)
        self._raw[name] = handler

    def handle(self, event: EventReceived, socket: Socket) -> Awaitable[object]:
        """Call the event's handler; await the result for the acknowledgement.

        Raises:
            UnknownEvent: the event has no handler.
            InvalidEvent: the payload does not fit its declaration.
        """
        typed = self._typed.get(event.name) or self._defaults.get(event.name)
        if typed is not None:
            payload = event.args[0] if event.args else b"null"
            return typed(self._contract.decode(event.name, payload), socket)
        raw = self._raw.get(event.name)
        if raw is None:
            raise UnknownEvent(event.name)
        return raw(event.values(), socket)

    def _check_free(self, name: str) -> None:
        if name in self._typed or name in self._raw:
            raise ContractError(f"event {name!r} has a handler already")
