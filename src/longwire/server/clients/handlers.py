"""What an application does with the events that clients send."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from longwire.errors import ContractError, UnknownEvent
from longwire.schema import Contract, Event
from longwire.server.clients.commands import COMMANDS
from longwire.server.clients.socket import Socket

if TYPE_CHECKING:
    from longwire.connection import EventReceived

E = TypeVar("E", bound=Event)

EventHandler = Callable[[E, Socket], Awaitable[object]]
"""Takes a validated event; what it returns is the acknowledgement."""

RawHandler = Callable[[list[Any], Socket], Awaitable[object]]
"""Takes the arguments of an undeclared event as JSON values and bytes."""


class Handlers:
    """The handlers of one server, by event name."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._defaults: dict[str, EventHandler[Any]] = {}
        self._typed: dict[str, EventHandler[Any]] = {}
        self._raw: dict[str, RawHandler] = {}

    def add_default(self, name: str, handler: EventHandler[Any]) -> None:
        """Handle a declared event unless the application does."""
        self._defaults[name] = handler

    def add(self, name: str, handler: EventHandler[Any]) -> None:
        """Handle a declared event.

        Raises:
            ContractError: the contract has no such event, or it has a handler.
        """
        if name not in self._contract.events:
            raise ContractError(f"event {name!r} is not in the server's contract")
        self._check_free(name)
        self._typed[name] = handler

    def add_raw(self, name: str, handler: RawHandler) -> None:
        """Handle an undeclared event by name.

        Raises:
            ContractError: the event is declared, reserved, or has a handler.
        """
        if name in self._contract.events or name in COMMANDS:
            raise ContractError(f"event {name!r} is declared or reserved: handle its type")
        self._check_free(name)
        self._raw[name] = handler

    def handle(self, event: EventReceived, socket: Socket) -> Awaitable[object]:
        """Call the event's handler; what is returned awaits its answer.

        Raises:
            UnknownEvent: nobody handles it.
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
