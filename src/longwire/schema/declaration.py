"""The declaration of an event: its name, room, conflation and origin."""

import re
from typing import Final, Literal

import msgspec

from longwire.errors import ContractError
from longwire.schema.room_pattern import RoomPattern
from longwire.types import Concat, Conflation, Merge
from longwire.wire import EVENT_NAMES

Origin = Literal["server", "client", "both"]
"""The side that may send an event: the server (and service tokens), clients, or both."""

SOCKETIO_NAMES: Final = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)
"""Event names that Socket.IO v5 reserves. A peer that sends one is disconnected."""

MAX_NAME_LENGTH: Final = 100
"""Maximum length of an event name in characters. Every frame carries the name."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]*")


class Declaration(msgspec.Struct, frozen=True):
    """The wire name of an event, and how it is routed and logged.

    Attributes:
        name: the wire name.
        model: the Python type of the payload: an `Event`, a dataclass or a pydantic model.
        room: the pattern that builds the room from the event's fields; None if the publisher has
            to name the room.
        conflate: how entries merge in the log; None keeps each one.
        origin: the side that may send the event.
        ack: the type of the acknowledgement that a client receives for it, or None.
    """

    name: str
    model: type
    room: RoomPattern | None = None
    conflate: Conflation | None = None
    origin: Origin = "server"
    ack: type | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """The Python names of the fields that form the conflation key."""
        key = self.conflate.key if self.conflate else ()
        return (key,) if isinstance(key, str) else key

    @property
    def text_field(self) -> str | None:
        """The Python name of the text field of `Concat`; None for other rules."""
        return self.conflate.field if isinstance(self.conflate, Concat) else None

    @property
    def is_patch(self) -> bool:
        """Whether the payload is a patch, which `Merge` applies to the value in the log."""
        return isinstance(self.conflate, Merge)

    def allows(self, sender: Literal["server", "client"]) -> bool:
        """Return whether `sender` may send this event."""
        return self.origin in (sender, "both")

    def check(self, fields: tuple[str, ...]) -> None:
        """Check the declaration against the Python names of the payload's fields.

        Raises:
            ContractError: the name is reserved or malformed, or the room or the conflation refers
                to a field that does not exist.
        """
        check_name(self.name)
        self._check_fields("room parameter", self.room.parameters if self.room else (), fields)
        self._check_fields("conflation key", self.key, fields)
        self._check_fields("Concat field", (self.text_field,) if self.text_field else (), fields)

    def _check_fields(self, use: str, names: tuple[str, ...], fields: tuple[str, ...]) -> None:
        for name in names:
            if name not in fields:
                raise ContractError(
                    f"{self.name}: {use} {name!r} is not a field of {self.model.__name__}"
                )


def check_name(name: str) -> None:
    """Check the name of an application's event.

    It starts with a letter, followed by letters, digits and `_ . : / -`; at most 100 characters.

    Raises:
        ContractError: the name is malformed or reserved.
    """
    if len(name) > MAX_NAME_LENGTH or not _NAME.fullmatch(name):
        raise ContractError(
            f"event name {name[:MAX_NAME_LENGTH]!r} must be a letter followed by letters, "
            f"digits and _.:/- (at most {MAX_NAME_LENGTH} characters)"
        )
    if name in SOCKETIO_NAMES:
        raise ContractError(f"event name {name!r} is reserved by Socket.IO")
    if name in EVENT_NAMES:
        raise ContractError(f"event name {name!r} is reserved by Longwire")
