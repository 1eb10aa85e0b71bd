"""The receive path: position, one typed decode, hand-over. Nothing here awaits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from longwire.client.callbacks import Observers
from longwire.client.handlers.arguments import Question
from longwire.client.receiving.entry import LogEntry
from longwire.client.rooms.membership import RoomStatus
from longwire.errors import InvalidEvent, RemoteProtocolError
from longwire.wire import ROOM_RESET

if TYPE_CHECKING:
    from longwire.client.handlers.arguments import Answer, Arguments
    from longwire.client.handlers.registry import Subscriptions
    from longwire.client.handlers.subscription import Subscription
    from longwire.client.rooms.rooms import Rooms
    from longwire.connection import EventReceived
    from longwire.schema import Contract

logger = logging.getLogger("longwire.client")

# Two integers that JavaScript represents exactly, and the hyphen between them.
MAX_OFFSETS = 33

Place = tuple[int, int, str]
"""The first and last offset that an event stands for, and the room."""

_text = msgspec.json.Decoder(str).decode


class _Logged(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """An event with its place, as it stands in the packet."""

    name: str
    data: msgspec.Raw
    place: str


_logged = msgspec.json.Decoder(_Logged).decode

# More digits than a place can have that is read at once.
MANY_DIGITS = 16

SystemHandler = Callable[[list[object]], None]


class Inbox:
    """Takes the server's events and gives each one, decoded once, to those who hear it.

    Args:
        contract: decodes the events that it declares; others are given as plain values.
        subscriptions: who hears what.
        rooms: judges positions.
        system: the events of the wire itself, handled before anybody else hears them.

    Attributes:
        positional: whether the server gives positions.
        received: events that came.
        invalid: events whose payload did not fit; nobody heard them.
        dropped: events without a position that a full queue could not take.
        entry_listeners: hear every entry of a log that is handed out, with its place.
    """

    __slots__ = (
        "_contract",
        "_decoders",
        "_known",
        "_rooms",
        "_subscriptions",
        "_system",
        "dropped",
        "entry_listeners",
        "invalid",
        "positional",
        "received",
    )

    def __init__(
        self,
        contract: Contract,
        subscriptions: Subscriptions,
        rooms: Rooms,
        system: dict[str, SystemHandler],
    ) -> None:
        self._contract = contract
        self._known = dict(contract.declarations)
        self._decoders = {name: contract.decoder(name) for name in self._known}
        self._subscriptions = subscriptions
        self._rooms = rooms
        self._system = system
        self.positional = False
        self.received = 0
        self.invalid = 0
        self.dropped = 0
        self.entry_listeners: Observers[LogEntry] = Observers()

    def resume(self) -> None:
        """Let handlers go on with what they left when the last connection ended."""
        self._subscriptions.resume()

    def receive(self, event: EventReceived) -> None:
        """Take one event."""
        self.received += 1
        if self.positional and len(event.args) > 1:
            place = read_place(event.args[-1])
            if place is not None:
                self._receive_logged(event, place)
                return
        system = self._system.get(event.name)
        if system is None:
            self._receive_plain(event)
            return
        values = event.values()
        system(values)
        if event.name != ROOM_RESET:
            self.announce(event.name, None, tuple(values))

    def receive_question(self, event: EventReceived, answer: Answer) -> None:
        """Take one event; its answer is what the first handler returns, which may take a while."""
        if event.name in self._system:
            answer(())
            self.receive(event)
            return
        self.received += 1
        arguments = self._decode(event, logged=False)
        if arguments is None:
            answer(())
            return
        hearers = self._find_hearers(event.name, arguments)
        asked = next((hearer for hearer in hearers if hearer.can_answer), None)
        if asked is None:
            answer(())
        for hearer in hearers:
            values = (event.name, *arguments) if hearer.receives_all else arguments
            hearer.push(Question.ask(values, answer) if hearer is asked else values)

    def receive_logged(self, messages: list[str | bytes]) -> int:
        """Take from the front what is simply the next event of a live room; return how many.

        The rest has to go the long way. Handlers run before this returns, each for its slice of
        time. It does for an event what `receive` does, at a third of the cost.
        """
        if not self.positional:
            return 0
        taken = 0
        self._subscriptions.begin_batch()
        try:
            for message in messages:
                if not self._take(message):
                    break
                taken += 1
        finally:
            self._subscriptions.end_batch()
        return taken

    def _take(self, message: str | bytes) -> bool:
        if type(message) is not str or message[:3] != "42[":
            return False
        try:
            entry = _logged(message[2:])
        except (ValueError, RecursionError):
            return False
        name, place = entry.name, entry.place
        number, _, room = place.partition("@")
        if not number.isdigit() or not number.isascii() or len(number) >= MANY_DIGITS:
            return False
        subscriptions, decode = self._subscriptions, self._decoders.get(name)
        if decode is None or subscriptions.congested_count or self.entry_listeners.callbacks:
            return False
        if not self._rooms.advance(room, int(number)):
            return False
        self.received += 1
        heard_by = subscriptions.find(name, room)
        if heard_by:
            try:
                arguments = (decode(entry.data),)
            except InvalidEvent as error:
                self._drop(error)
            else:
                give(name, room, arguments, heard_by)
        return True

    def receive_all(self, events: list[EventReceived]) -> None:
        """Take events that came together; then their handlers run, each for its slice of time."""
        self._subscriptions.begin_batch()
        try:
            for event in events:
                self.receive(event)
        finally:
            self._subscriptions.end_batch()

    def announce(self, name: str, room: str | None, arguments: Arguments) -> None:
        """Give something that is no event of the application to those who hear that name."""
        for hearer in self._subscriptions.find(name, room):
            if not hearer.receives_all:
                hearer.push(arguments)

    def _receive_logged(self, event: EventReceived, place: Place) -> None:
        first, last, room = place
        member = self._rooms.find(room)
        if member is None:
            return
        heard_by = self._subscriptions.find(event.name, room)
        if self._subscriptions.congested_count and any(hearer.is_congested for hearer in heard_by):
            self._rooms.hold_back(member)
            return
        late = self._rooms.accept_late(member, first, last) if member.readers else ()
        if not self._rooms.accept(member, first, last):
            heard_by = ()
        elif self.entry_listeners.callbacks:
            self.entry_listeners.notify(LogEntry(room, first, last, event.name, event.args[0]))
        if late:
            heard_by += tuple(reader for reader in late if event.name in reader.names)
        if heard_by:
            arguments = self._decode(event, logged=True)
            if arguments is not None:
                give(event.name, room, arguments, heard_by)
        if member.status is not RoomStatus.LIVE:
            self._rooms.settle(member)

    def _receive_plain(self, event: EventReceived) -> None:
        arguments = self._decode(event, logged=False)
        if arguments is not None:
            give(event.name, None, arguments, self._find_hearers(event.name, arguments))

    def _find_hearers(self, name: str, arguments: Arguments) -> tuple[Subscription, ...]:
        room = None
        if self._subscriptions.has_rooms(name):
            room = self._room_of(name, arguments[0] if arguments else None)
        return self._with_space(self._subscriptions.find(name, room))

    def _with_space(self, subscriptions: tuple[Subscription, ...]) -> tuple[Subscription, ...]:
        if not self._subscriptions.congested_count:
            return subscriptions
        free = tuple(s for s in subscriptions if not s.is_congested)
        self.dropped += len(subscriptions) - len(free)
        return free

    def _decode(self, event: EventReceived, *, logged: bool) -> Arguments | None:
        try:
            decode = self._decoders.get(event.name)
            if decode is not None:
                return (decode(event.args[0]),)
            values = event.values()
            return tuple(values[:-1] if logged else values)
        except (InvalidEvent, IndexError, RemoteProtocolError) as error:
            self._drop(error)
            return None

    def _drop(self, error: Exception) -> None:
        self.invalid += 1
        logger.warning("an invalid event was dropped: %s", error)

    def _room_of(self, name: str, value: object) -> str | None:
        declaration = self._known.get(name)
        if declaration is None or declaration.room is None:
            return None
        pattern = declaration.room
        return pattern.build_from(tuple(str(getattr(value, p)) for p in pattern.parameters))


def give(
    name: str, room: str | None, arguments: Arguments, hearers: tuple[Subscription, ...]
) -> None:
    """Hand an event to those who hear it; who hears everything gets the name first."""
    for hearer in hearers:
        hearer.push((name, *arguments) if hearer.receives_all else arguments, room)


def read_place(argument: msgspec.Raw) -> Place | None:
    """Read `"<offset>@<room>"` or `"<first>-<last>@<room>"`; None for anything else."""
    try:
        offsets, at, room = _text(argument).partition("@")
    except msgspec.ValidationError:
        return None
    if not at or not offsets.isascii() or len(offsets) > MAX_OFFSETS:
        return None
    if offsets.isdigit():
        offset = int(offsets)
        return offset, offset, room
    first, _, last = offsets.partition("-")
    return (int(first), int(last), room) if first.isdigit() and last.isdigit() else None
