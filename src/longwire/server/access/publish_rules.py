"""Rules that decide which events a user may publish. Without a rule, only services may."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from longwire.callables import awaiting
from longwire.errors import ContractError, InvalidRoom, PublishDenied
from longwire.schema import Contract
from longwire.server.access.authentication import Identity
from longwire.server.access.rules import RoomRules
from longwire.server.limits import check_id
from longwire.wire import PublishRequest

PublishRule = (
    Callable[[Identity, Any], Awaitable[bool] | bool]
    | Callable[[Identity, Any, Mapping[str, str]], Awaitable[bool] | bool]
)
"""Returns whether an identity may publish an event; may be `async`.

It receives the identity, the decoded event, and, if it has a third parameter, the parameters of the
room.
"""

_Check = Callable[[Identity, object, Mapping[str, str]], Awaitable[bool]]


class PublishRules:
    """The publish rules of one server, by event and room pattern. Services may publish anything."""

    def __init__(self, contract: Contract, rooms: RoomRules) -> None:
        self._contract = contract
        self._rooms = rooms
        self._rules: dict[tuple[str, str], _Check] = {}
        self._events: set[str] = set()

    def add(self, pattern: str, events: tuple[type, ...], rule: PublishRule) -> None:
        """Set the rule for events in the rooms of `pattern`; it replaces an earlier one.

        Raises:
            ContractError: the contract does not have this pattern or one of the events, an event
                belongs to the rooms of another pattern, or no event is given.
        """
        if pattern not in {known.template for known in self._contract.rooms}:
            raise ContractError(f"the contract has no room pattern {pattern!r}")
        if not events:
            raise ContractError("a publish rule needs the types of the events that it is about")
        names = [self._name(event, pattern) for event in events]
        check = _with_parameters(rule)
        for name in names:
            self._rules[name, pattern] = check
        self._events.update(names)

    def check_any(self, identity: Identity) -> None:
        """Check, before a request is read, that the identity may publish something.

        Raises:
            PublishDenied: it is a user, and there is no rule.
        """
        if not identity.service and not self._rules:
            raise PublishDenied

    async def admit(self, identity: Identity, request: PublishRequest) -> PublishRequest:
        """Return the request that the server publishes for an identity.

        An event of a user goes to the room that its type declares. The id of a user is replaced by
        one that differs for each user, so that no user can use up an id of a service.

        Raises:
            PublishDenied: it is a user, and no rule allows the event in the room.
            RoomDenied: the user may not read the room, and `expect` would reveal its value.
            InvalidEvent: the payload does not match its type.
            InvalidRoom: the room is missing or matches no pattern.
            InvalidId: the id is empty or too long.
        """
        if identity.service:
            return request
        name = request.event
        if name not in self._events or request.attempt is not None:
            raise PublishDenied(_refusal(name))
        declares_room = self._contract.declaration(name).room is not None
        asked = None if declares_room else request.room
        encoded = self._contract.encode_data(name, bytes(request.data), 0, asked)
        room = encoded.room
        if room is None:
            raise InvalidRoom("", f"{name} does not declare a room: name one")
        if request.room not in (None, room):
            raise PublishDenied(f"{name} belongs to the room {room[:200]!r}, not to another one")
        pattern, parameters = self._contract.match_room(room) or (None, {})
        check = self._rules.get((name, pattern.template)) if pattern else None
        if check is None or not await check(identity, encoded.payload, parameters):
            raise PublishDenied(_refusal(name, room))
        if request.expect is not UNSET:
            await self._rooms.check(identity, room)
        return request if request.id is None else replace(request, id=_own_id(identity, request.id))

    def _name(self, event: type, pattern: str) -> str:
        name = self._contract.name_of(event)
        own = self._contract.declaration(name).room
        if own is not None and own.template != pattern:
            raise ContractError(
                f"{name} belongs to the rooms {own.template!r}, so a publish rule for {pattern!r} "
                "would never apply"
            )
        return name


def _refusal(event: str, room: str | None = None) -> str:
    where = "" if room is None else f" in room {room[:200]!r}"
    return f"no publish rule allows this user to publish {event[:100]!r}{where}"


def _own_id(identity: Identity, id: str) -> str:
    check_id(id)
    text = f"{identity.user_id}\0{id}".encode("utf-8", "surrogatepass")
    return f"user:{blake2b(text, digest_size=16).hexdigest()}"


def _with_parameters(rule: Any) -> _Check:
    kinds = [parameter.kind for parameter in inspect.signature(rule).parameters.values()]
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    takes_three = inspect.Parameter.VAR_POSITIONAL in kinds or (
        sum(kind in positional for kind in kinds) > 2
    )
    call = awaiting(rule)

    async def check(identity: Identity, event: object, parameters: Mapping[str, str]) -> bool:
        arguments = (identity, event, parameters) if takes_three else (identity, event)
        return bool(await call(*arguments))

    return check
