"""The receive path: from messages to decoded events in the queues of handlers. Nothing awaits."""

import logging
from collections.abc import Callable, Mapping

import msgspec

from longwire.client.callbacks import Observers
from longwire.client.handlers.arguments import Answer, Arguments, Question
from longwire.client.handlers.registry import Subscriptions
from longwire.client.handlers.subscription import Subscription
from longwire.client.rooms.membership import RoomStatus
from longwire.client.rooms.rooms import Rooms
from longwire.connection.events import EventReceived
from longwire.errors import InvalidEvent, RemoteProtocolError
from longwire.schema import Contract
from longwire.socketio.decoder import decode_plain_event
from longwire.wire import AUTH_ERROR, AUTH_EXPIRING, AUTHENTICATED, CLOSING, ROOM_RESET

logger = logging.getLogger("longwire.client")

CONNECTION_EVENTS = frozenset((AUTHENTICATED, AUTH_ERROR, AUTH_EXPIRING, CLOSING))
"""Events about the connection itself; its `Attempt` handles them."""

# Length of the longest pair of offsets: two integers that JavaScript represents exactly, and "-".
MAX_OFFSETS = 33

# Number of digits from which on an offset is too large for the fast case.
MANY_DIGITS = 16

Place = tuple[int, int, str]
"""The first and last offset that an event stands for, and the room."""

SystemHandler = Callable[[list[object]], None]
"""Handles an event of the wire protocol, given its arguments."""

_text = msgspec.json.Decoder(str).decode


class LogEntry(msgspec.Struct, frozen=True):
    """An entry of a room's log, as the server sent it.

    Attributes:
        room: The room.
        first: The first offset that the entry stands for.
        last: The last one; a reader that resumes from it continues after the entry.
        event: Name of the event.
        data: Its payload, as JSON.
    """

    room: str
    first: int
    last: int
    event: str
    data: msgspec.Raw


class _LoggedEvent(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """An event of a log, as it is written in a packet."""

    name: str
    data: msgspec.Raw
    place: str


_decode_logged = msgspec.json.Decoder(_LoggedEvent).decode


class Inbox:
    """Decodes each event of the server once and puts it into the queues of its subscriptions.

    Args:
        contract: Decodes the events that it declares; others are delivered as plain values.
        subscriptions: The handlers and iterators.
        rooms: Decide by position whether an event is delivered.
        system: Handlers of the wire protocol's events, which run before subscriptions.

    Attributes:
        received: Number of events received.
        invalid: Number of events dropped because their payload was invalid.
        dropped: Number of events without a position dropped because a queue was full.
        entry_listeners: Called with every log entry that is delivered, before subscriptions.
    """

    def __init__(
        self,
        contract: Contract,
        subscriptions: Subscriptions,
        rooms: Rooms,
        system: Mapping[str, SystemHandler],
    ) -> None:
        self._contract = contract
        self._declarations = dict(contract.declarations)
        self._decoders = {name: contract.decoder(name) for name in self._declarations}
        self._subscriptions = subscriptions
        self._positions = rooms.positions
        self._system = system
        self.received = 0
        self.invalid = 0
        self.dropped = 0
        self.entry_listeners: Observers[LogEntry] = Observers()

    def resume(self) -> None:
        """Let handlers continue with the events that waited when the last connection ended."""
        self._subscriptions.resume()

    def receive(self, messages: list[str | bytes], has_positions: bool) -> int:
        """Deliver plain events at the front of messages that arrived together.

        Stops at the first message that is not a plain event: an acknowledgement, a heartbeat, a
        binary event, an event that asks for an acknowledgement or concerns the connection.
        Handlers run before this returns, each for its time slice: that saves a turn of the event
        loop for each.

        Args:
            messages: Messages of a WebSocket.
            has_positions: Whether the server sends positions.

        Returns:
            How many messages were delivered.
        """
        self._subscriptions.begin_batch()
        try:
            for count, message in enumerate(messages):
                if type(message) is not str:
                    return count
                if has_positions and self._receive_next(message):
                    continue
                event = decode_plain_event(message, 1) if message.startswith("42") else None
                if event is None or event.ack_id is not None or event.name in CONNECTION_EVENTS:
                    return count
                self.receive_event(event, has_positions)
            return len(messages)
        finally:
            self._subscriptions.end_batch()

    def _receive_next(self, message: str) -> bool:
        """Deliver the next event of a live room, which is what almost all messages are.

        Equivalent to `receive_event`, at a third of its cost: one JSON decode, no event object.
        Returns False, and has done nothing, if the message is anything else.
        """
        if message[:3] != "42[":
            return False
        try:
            event = _decode_logged(message[2:])
        except (ValueError, RecursionError):
            return False
        name = event.name
        # `read_place` for one offset, inline: a call per event would be measurable.
        number, _, room = event.place.partition("@")
        if not number.isdigit() or not number.isascii() or len(number) >= MANY_DIGITS:
            return False
        subscriptions, decode = self._subscriptions, self._decoders.get(name)
        if decode is None or subscriptions.congested_count or self.entry_listeners.callbacks:
            return False
        if not self._positions.try_advance(room, int(number)):
            return False
        self.received += 1
        found = subscriptions.find(name, room)
        if found:
            try:
                arguments = (decode(event.data),)
            except InvalidEvent as error:
                self._drop(error)
            else:
                push_all(found, name, arguments, room)
        return True

    def receive_event(
        self, event: EventReceived, has_positions: bool, answer: Answer | None = None
    ) -> None:
        """Deliver one event.

        Args:
            event: The event.
            has_positions: Whether the server sends positions.
            answer: Sends the acknowledgement, if the server asks for one. It is called once: with
                the result of the first handler, which may take a while, or with no values.
        """
        self.received += 1
        if answer is None and has_positions and len(event.args) > 1:
            place = read_place(event.args[-1])
            if place is not None:
                self._receive_logged(event, place)
                return
        handle = self._system.get(event.name)
        if handle is not None:
            values = event.values()
            handle(values)
            if event.name != ROOM_RESET:  # announced by `Rooms`, if the client is in the room
                self.announce(event.name, None, tuple(values))
        elif (arguments := self._decode(event, logged=False)) is not None:
            found = self._find(event.name, arguments)
            if answer is not None:
                _ask(found, event.name, arguments, answer)
                return
            push_all(found, event.name, arguments)
        if answer is not None:
            answer(())

    def announce(self, name: str, room: str | None, arguments: Arguments) -> None:
        """Deliver a notification of the client itself to the subscriptions of that name."""
        for subscription in self._subscriptions.find(name, room):
            if not subscription.receives_all:
                subscription.push(arguments)

    def _receive_logged(self, event: EventReceived, place: Place) -> None:
        first, last, room = place
        member = self._positions.find(room)
        if member is None:
            return
        found = self._subscriptions.find(event.name, room)
        if self._subscriptions.congested_count and any(s.is_congested for s in found):
            self._positions.hold_back(member)
            return
        late = self._positions.accept_late(member, first, last) if member.late_readers else ()
        if not self._positions.accept(member, first, last):
            found = ()
        elif self.entry_listeners.callbacks:
            self.entry_listeners.notify(LogEntry(room, first, last, event.name, event.args[0]))
        if late:
            found += tuple(reader for reader in late if event.name in reader.names)
        if found:
            arguments = self._decode(event, logged=True)
            if arguments is not None:
                push_all(found, event.name, arguments, room)
        if member.status is not RoomStatus.LIVE:
            self._positions.settle(member)

    def _find(self, name: str, arguments: Arguments) -> tuple[Subscription, ...]:
        """Return the subscriptions of an event without a position, except congested ones."""
        room = None
        if self._subscriptions.has_rooms(name):
            room = self._room_of(name, arguments[0] if arguments else None)
        found = self._subscriptions.find(name, room)
        if not self._subscriptions.congested_count:
            return found
        free = tuple(subscription for subscription in found if not subscription.is_congested)
        self.dropped += len(found) - len(free)
        return free

    def _decode(self, event: EventReceived, *, logged: bool) -> Arguments | None:
        """Return the arguments for handlers; None if they are invalid."""
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
        logger.warning("dropped an invalid event: %s", error)

    def _room_of(self, name: str, value: object) -> str | None:
        declaration = self._declarations.get(name)
        if declaration is None or declaration.room is None:
            return None
        pattern = declaration.room
        return pattern.build_from(tuple(str(getattr(value, p)) for p in pattern.parameters))


def push_all(
    subscriptions: tuple[Subscription, ...],
    name: str,
    arguments: Arguments,
    room: str | None = None,
) -> None:
    """Put an event into queues; subscriptions of all events also get its name."""
    for subscription in subscriptions:
        subscription.push((name, *arguments) if subscription.receives_all else arguments, room)


def _ask(
    subscriptions: tuple[Subscription, ...], name: str, arguments: Arguments, answer: Answer
) -> None:
    """Put an event into queues; the first handler's result is passed to `answer`."""
    asked = next((s for s in subscriptions if s.can_answer), None)
    if asked is None:
        answer(())
    for subscription in subscriptions:
        values = (name, *arguments) if subscription.receives_all else arguments
        subscription.push(Question.ask(values, answer) if subscription is asked else values)


def read_place(argument: msgspec.Raw) -> Place | None:
    """Parse `"<offset>@<room>"` or `"<first>-<last>@<room>"`; None for anything else."""
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
