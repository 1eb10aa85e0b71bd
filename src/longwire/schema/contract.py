"""Contracts: the closed set of events and rooms of an application."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, TypeVar, overload

import msgspec

from longwire.errors import ContractError, InvalidEvent, InvalidRoom, UnknownEvent
from longwire.schema.declaration import Declaration, Origin
from longwire.schema.describe import describe
from longwire.schema.description import ContractDescription
from longwire.schema.event import Event, declaration_of
from longwire.schema.event_type import EventType, Merger
from longwire.schema.fingerprint import fingerprint
from longwire.schema.room_pattern import MAX_ROOM_LENGTH, RoomPattern
from longwire.schema.widening import Values, merged_additions, vocabulary_title, wider_model
from longwire.types import Conflation

_M = TypeVar("_M")


class Encoded(msgspec.Struct, frozen=True):
    """A validated and encoded publication.

    Attributes:
        event: the event's wire name.
        room: the room; None if neither the event nor the caller names one.
        data: the payload, a JSON object.
        slot: entries of a room with the same slot are conflated; None means that this one is not.
        concat: the wire name of the text field to append; None with a slot keeps the latest.
        payload: the payload as it decodes from `data`.
        merge: applies `data`, which is a patch, to the value in the log (`Merge`); None if readers
            receive `data` itself.
    """

    event: str
    room: str | None
    data: bytes
    slot: str | None
    concat: str | None
    payload: object
    merge: Merger | None = None


class Contract:
    """The events and rooms of an application, by name.

    The rooms of the events are included; list only rooms that no event declares. `|` joins
    contracts: an application adds its own events with `CATALOG | Contract([...])`.

    Args:
        events: `Event` subclasses.
        rooms: templates of further rooms, such as `user:{user_id}`.

    Raises:
        ContractError: an event is not declared correctly, a name is used twice, or two room
            patterns match the same name.
    """

    def __init__(self, events: Iterable[type[Event]] = (), rooms: Iterable[str] = ()) -> None:
        self._by_name: dict[str, EventType] = {}
        self._by_model: dict[type, EventType] = {}
        self._rooms: dict[str, RoomPattern] = {}
        self._by_head: dict[str | None, list[RoomPattern]] = {}
        self._additions: dict[str, Values] = {}
        self._is_sealed = False
        self._fingerprint: str | None = None
        for template in rooms:
            self._add_room(RoomPattern(template))
        for event in events:
            self._add(declaration_of(event))

    @property
    def events(self) -> Mapping[str, type]:
        """The payload types by wire name, in the order of declaration."""
        return {name: kind.declaration.model for name, kind in self._by_name.items()}

    @property
    def declarations(self) -> Mapping[str, Declaration]:
        """The declarations of all events, by wire name."""
        return {name: kind.declaration for name, kind in self._by_name.items()}

    @property
    def rooms(self) -> tuple[RoomPattern, ...]:
        """All room patterns, including those of the events."""
        return tuple(self._rooms.values())

    @property
    def fingerprint(self) -> str:
        """A short hash of what clients depend on: names, types, rooms and conflation.

        Documentation and the order of declaration do not affect it.
        """
        if self._fingerprint is None:
            self._fingerprint = fingerprint(self.describe())
        return self._fingerprint

    def describe(self) -> ContractDescription:
        """Describe the contract as plain data.

        Payload types are named after their event: `job:progress` is `JobProgressEvent`.

        Raises:
            ContractError: two different types have the same name.
        """
        return describe(
            [
                (msgspec.structs.replace(kind.declaration, model=kind.model), kind.codec.wire_names)
                for kind in self._by_name.values()
            ],
            self.rooms,
        )

    def add(
        self,
        model: type,
        *,
        name: str,
        room: str | None = None,
        conflate: Conflation | None = None,
        origin: Origin = "server",
        ack: type | None = None,
    ) -> None:
        """Add a dataclass or a pydantic model as an event.

        Its field names are the wire names; a pydantic model's are its serialisation aliases. An
        `Event` subclass declares all this in its class statement; pass it to the constructor.

        Args:
            model: the type of the payload.
            name: the wire name.
            room: the template of the event's room, such as `job:{job_id}`, if it has one.
            conflate: how entries merge in the log; None keeps each one.
            origin: the side that may send the event.
            ack: the type of the acknowledgement that a client receives for it.

        Raises:
            ContractError: as for the constructor.
        """
        if hasattr(model, "__event__"):
            raise ContractError(f"{model.__name__} is already declared: pass it to Contract([...])")
        self._check_unsealed()
        pattern = None if room is None else RoomPattern(room)
        self._add(Declaration(name, model, pattern, conflate, origin, ack))

    def widen(self, vocabulary: object, *values: str) -> Contract:
        """Accept further values of a vocabulary, such as `AgentType`, in every event.

        They are validated, described and generated as if the vocabulary had been declared with
        them. Widen a contract before servers and clients use it. Type checkers know the declared
        values only; `replace` an event to have others checked.

        ```python
        contract = CATALOG | Contract([OrderShipped])
        contract.widen(AgentType, "translator")
        ```

        Args:
            vocabulary: an `Annotated[Literal[...], Meta(title=...)]` of strings.
            values: the values to add; values that it has already are ignored.

        Returns:
            This contract.

        Raises:
            ContractError: the vocabulary is not one, no event uses it, an event uses it in a type
                that is not an `Event` or a `Record`, or the contract is sealed.
        """
        self._check_unsealed()
        added = {vocabulary_title(vocabulary): values}
        declarations = self.declarations.values()
        if all(wider_model(declaration.model, added) is None for declaration in declarations):
            raise ContractError(f"no event of the contract uses the vocabulary {next(iter(added))}")
        additions = merged_additions(self._additions, added)
        self._become(Contract._of(self.rooms, declarations, additions))
        return self

    def replace(self, event: type[Event]) -> Contract:
        """Replace the event of the same name by another declaration of it.

        The class that it replaces can no longer be published with this contract. The events of jobs
        are published by Longwire itself, with the classes of the catalogue: do not replace them.

        ```python
        contract = (CATALOG | Contract()).replace(AgentStatusChanged)  # a class of your own
        ```

        Returns:
            This contract.

        Raises:
            UnknownEvent: the contract has no event of that name.
            ContractError: as for the constructor, or the contract is sealed.
        """
        self._check_unsealed()
        declaration = declaration_of(event)
        before = self._named(declaration.name).declaration
        others = [d for d in self.declarations.values() if d.name != declaration.name]
        rooms = [r for r in self.rooms if r != before.room or r in (d.room for d in others)]
        after = [declaration if d is before else d for d in self.declarations.values()]
        self._become(Contract._of(rooms, after, self._additions))
        return self

    def seal(self) -> Contract:
        """Refuse later changes, for a contract that several modules share; `|` copies it.

        Returns:
            This contract.
        """
        self._is_sealed = True
        return self

    def name_of(self, model: type) -> str:
        """Return the wire name of a payload type.

        Raises:
            UnknownEvent: the contract does not contain the event.
        """
        return self._kind_of(model).declaration.name

    def declaration(self, name: str) -> Declaration:
        """Return the declaration of an event.

        Raises:
            UnknownEvent: the contract does not contain the event.
        """
        return self._named(name).declaration

    def slot(self, event: object, room: str) -> str | None:
        """Return the slot in which an event conflates in a room, or None.

        Raises:
            UnknownEvent: the contract does not contain its type.
        """
        return self._kind_of(type(event)).slot(event, room)

    def slot_of(self, event: type | str, key: tuple[object, ...], room: str) -> str:
        """Return the slot of the value with this key in a room.

        Args:
            event: the type or the wire name of an event with `Latest` or `Merge`.
            key: the values of the key's fields. In a room that the event does not declare, they
                follow those of the parameters of the declared room.
            room: the room.

        Raises:
            UnknownEvent: the contract does not contain the event.
            InvalidEvent: the event has no values, or the key does not fit.
        """
        kind = self._named(event) if isinstance(event, str) else self._kind_of(event)
        return kind.slot_of(key, room)

    def wire_names(self, name: str) -> Mapping[str, str]:
        """Return the wire names of an event's fields, by their Python names.

        Raises:
            UnknownEvent: the contract does not contain the event.
        """
        return self._named(name).codec.wire_names

    def encode(self, event: object, now_ms: int, room: str | None = None) -> Encoded:
        """Validate a payload, set its timestamp and encode it.

        Args:
            event: an instance of one of the contract's types.
            now_ms: the timestamp for a payload without one, in milliseconds since the epoch.
            room: the room to publish to, instead of the room that the event declares.

        Raises:
            UnknownEvent: the contract does not contain its type.
            InvalidEvent: a value does not match its type; names the field.
            InvalidRoom: the room matches no pattern, or its parameters give an invalid name.
        """
        return self._encode(self._kind_of(type(event)), event, now_ms, room)

    def encode_data(
        self,
        name: str,
        data: bytes,
        now_ms: int,
        room: str | None = None,
        origin: Literal["server", "client"] = "server",
    ) -> Encoded:
        """Validate and encode a JSON payload, like `encode`.

        Unknown fields are dropped.

        Args:
            name: the event's wire name.
            data: the payload, a JSON object.
            now_ms: as for `encode`.
            room: as for `encode`.
            origin: the side that sends it.

        Raises:
            UnknownEvent: the contract does not contain the event.
            InvalidEvent: the payload does not match its type, or `origin` may not send it.
            InvalidRoom: as for `encode`.
        """
        kind = self._named(name)
        if not kind.declaration.allows(origin):
            raise InvalidEvent(name, "$", f"a {origin} may not send this event")
        return self._encode(kind, kind.codec.decode(data), now_ms, room)

    @overload
    def decode(self, event: type[_M], data: bytes | msgspec.Raw) -> _M: ...
    @overload
    def decode(self, event: str, data: bytes | msgspec.Raw) -> object: ...
    def decode(self, event: type | str, data: bytes | msgspec.Raw) -> object:
        """Decode a payload as the event with this wire name or type.

        Raises:
            UnknownEvent: the contract does not contain the event.
            InvalidEvent: the payload does not match its type; names the field.
        """
        kind = self._named(event) if isinstance(event, str) else self._kind_of(event)
        return kind.codec.decode(data)

    def decoder(self, event: str) -> Callable[[bytes | msgspec.Raw], object]:
        """Return a function that decodes payloads of one event, like `decode`.

        Raises:
            UnknownEvent: the contract does not contain the event.
        """
        return self._named(event).codec.decode

    def match_room(self, room: str) -> tuple[RoomPattern, dict[str, str]] | None:
        """Return the pattern that matches a room name, and the values of its parameters."""
        head = room.partition(":")[0]
        for pattern in (*self._by_head.get(head, ()), *self._by_head.get(None, ())):
            values = pattern.match(room)
            if values is not None:
                return pattern, values
        return None

    def __or__(self, other: Contract) -> Contract:
        """Join two contracts; the same event or room may be in both."""
        additions = merged_additions(self._additions, other._additions)
        declarations = (*self.declarations.values(), *other.declarations.values())
        return Contract._of((*self.rooms, *other.rooms), declarations, additions)

    def _encode(self, kind: EventType, event: object, now_ms: int, room: str | None) -> Encoded:
        data, sent = kind.codec.encode(event, now_ms)
        if room is not None and self.match_room(room) is None:
            raise InvalidRoom(
                room, f"room {room[:MAX_ROOM_LENGTH]!r} matches no pattern of the contract"
            )
        slot = kind.slot(sent, room)
        room = kind.own_room(sent) if room is None else room
        return Encoded(kind.declaration.name, room, data, slot, kind.concat, sent, kind.merge)

    def _add(self, declaration: Declaration) -> None:
        if declaration.name in self._by_name:
            raise ContractError(
                f"event name {declaration.name!r} is declared twice:"
                " `Contract.replace` replaces a declaration"
            )
        if declaration.model in self._by_model:
            raise ContractError(f"{declaration.model.__name__} is declared as two events")
        kind = EventType(declaration, self._additions)
        if declaration.room is not None:
            self._add_room(declaration.room)
        self._by_name[declaration.name] = self._by_model[declaration.model] = kind
        self._fingerprint = None

    def _add_room(self, pattern: RoomPattern) -> None:
        for known in self._rooms.values():
            if known != pattern and known.overlaps(pattern):
                raise ContractError(
                    f"rooms {known.template!r} and {pattern.template!r} match the same names"
                )
        if pattern.template not in self._rooms:
            self._rooms[pattern.template] = pattern
            self._by_head.setdefault(pattern.head, []).append(pattern)
        self._fingerprint = None

    @staticmethod
    def _of(
        rooms: Iterable[RoomPattern],
        declarations: Iterable[Declaration],
        additions: Mapping[str, Values],
    ) -> Contract:
        """Return a contract of these parts; the same declaration may be given twice."""
        contract = Contract()
        contract._additions = dict(additions)
        for pattern in rooms:
            contract._add_room(pattern)
        for declaration in declarations:
            if contract.declarations.get(declaration.name) != declaration:
                contract._add(declaration)
        return contract

    def _become(self, other: Contract) -> None:
        self._additions = other._additions
        self._by_name, self._by_model = other._by_name, other._by_model
        self._rooms, self._by_head = other._rooms, other._by_head
        self._fingerprint = None

    def _check_unsealed(self) -> None:
        if self._is_sealed:
            raise ContractError(
                "this contract is shared and sealed: change a copy, `CATALOG | Contract()`"
            )

    def _named(self, name: str) -> EventType:
        kind = self._by_name.get(name)
        if kind is None:
            raise UnknownEvent(name)
        return kind

    def _kind_of(self, model: type) -> EventType:
        kind = self._by_model.get(model)
        if kind is None:
            raise UnknownEvent(model.__name__)
        return kind
