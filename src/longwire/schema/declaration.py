"""What an event type declares about itself, checked when it is declared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from longwire.errors import ContractError
from longwire.types import Concat, Conflation
from longwire.wire import EVENT_NAMES

if TYPE_CHECKING:
    from longwire.schema.room_pattern import RoomPattern

Origin = Literal["server", "client", "both"]
"""Who may send an event: the server (and service identities), clients, or either."""

SOCKETIO_NAMES: Final = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)
"""Names that Socket.IO v5 forbids as events; a peer that sends one is disconnected."""

MAX_NAME_LENGTH: Final = 100
"""Characters of an event name. Names are metric labels and travel with every event."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]*")


class Declaration(msgspec.Struct, frozen=True):
    """One event of a contract: its wire name and how it is logged and routed.

    Attributes:
        name: the wire name.
        model: the Python type of the payload: an `Event`, a dataclass or a pydantic model.
        room: the room that an event tells by its own fields; None when the publisher must say it.
        conflate: how entries of the log merge; None keeps every one.
        origin: who may send it.
        ack: the type of the acknowledgement that a client gets for it, if any.
    """

    name: str
    model: type
    room: RoomPattern | None = None
    conflate: Conflation | None = None
    origin: Origin = "server"
    ack: type | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """Python names of the fields that tell the slots of this event apart."""
        key = self.conflate.key if self.conflate else ()
        return (key,) if isinstance(key, str) else key

    @property
    def text_field(self) -> str | None:
        """Python name of the field that Concat appends; None for other rules."""
        return self.conflate.field if isinstance(self.conflate, Concat) else None

    def allows(self, sender: Literal["server", "client"]) -> bool:
        """Tell whether that side may send this event."""
        return self.origin in (sender, "both")

    def check(self, fields: tuple[str, ...]) -> None:
        """Compare the declaration with the Python names of the payload's fields.

        Raises:
            ContractError: the name is reserved or malformed, or a field that the room or the
                conflation needs does not exist.
        """
        check_name(self.name)
        self._check_fields("room parameter", self.room.parameters if self.room else (), fields)
        self._check_fields("conflation key", self.key, fields)
        self._check_fields("Concat field", (self.text_field,) if self.text_field else (), fields)

    def _check_fields(self, use: str, names: tuple[str, ...], fields: tuple[str, ...]) -> None:
        for name in names:
            if name not in fields:
                raise ContractError(
                    f"{self.name}: {use} {name!r} is no field of {self.model.__name__}"
                )


def check_name(name: str) -> None:
    """Accept a name that an application may give to an event.

    Letters, digits and `_ . : / -`, beginning with a letter, at most 100 characters.

    Raises:
        ContractError: the name is malformed or reserved.
    """
    if len(name) > MAX_NAME_LENGTH or not _NAME.fullmatch(name):
        raise ContractError(
            f"event name {name[:MAX_NAME_LENGTH]!r} is not a letter followed by letters, "
            f"digits and _.:/- (at most {MAX_NAME_LENGTH})"
        )
    if name in SOCKETIO_NAMES:
        raise ContractError(f"event name {name!r} is reserved by Socket.IO")
    if name in EVENT_NAMES:
        raise ContractError(f"event name {name!r} is reserved by Longwire's wire")
