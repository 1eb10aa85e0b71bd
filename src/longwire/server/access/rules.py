"""Rules that decide who may join a room. Without a rule, only services may."""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from longwire.callables import awaiting
from longwire.errors import ContractError, InvalidRoom, RoomDenied
from longwire.schema import Contract
from longwire.server.access.authentication import Identity

Rule = Callable[[Identity, Mapping[str, str]], Awaitable[bool] | bool]
"""Returns whether an identity may join the room with these parameters; may be `async`."""


async def is_that_user(identity: Identity, parameters: Mapping[str, str]) -> bool:
    """Allow a user to join `user:{user_id}` with the own id."""
    return parameters["user_id"] == identity.user_id


async def is_signed_in(identity: Identity, parameters: Mapping[str, str]) -> bool:
    """Allow every client with a valid token."""
    return True


class RoomRules:
    """The rules of one server, by room pattern. Services may join every room."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._rules: dict[str, Callable[[Identity, Mapping[str, str]], Awaitable[bool]]] = {}

    def add(self, pattern: str, rule: Rule) -> None:
        """Set the rule for the rooms of `pattern`; it replaces an earlier one.

        Raises:
            ContractError: the contract does not have this pattern.
        """
        if pattern not in {known.template for known in self._contract.rooms}:
            raise ContractError(f"the contract has no room pattern {pattern!r}")
        self._rules[pattern] = awaiting(rule)

    def is_declared(self, room: str) -> bool:
        """Return whether a pattern of the contract matches `room`."""
        return self._contract.match_room(room) is not None

    async def check(self, identity: Identity, room: str) -> None:
        """Check that `identity` may join `room`.

        Raises:
            InvalidRoom: no pattern of the contract matches the room.
            RoomDenied: the rule does not allow it, or there is none.
        """
        matched = self._contract.match_room(room)
        if matched is None:
            raise InvalidRoom(room, f"room {room[:100]!r} matches no pattern of the contract")
        if identity.service:
            return
        pattern, parameters = matched
        rule = self._rules.get(pattern.template)
        if rule is None or not await rule(identity, parameters):
            raise RoomDenied(room)

    async def permitted(self, identity: Identity, rooms: Iterable[str]) -> list[str]:
        """Return the rooms of `rooms` that `identity` may join, in the same order."""
        found: list[str] = []
        for room in rooms:
            try:
                await self.check(identity, room)
            except (InvalidRoom, RoomDenied):
                continue
            found.append(room)
        return found
