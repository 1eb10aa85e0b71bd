"""Who may join which room: denied unless a rule allows it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from longwire.errors import ContractError, InvalidRoom, RoomDenied
from longwire.server.access.authentication import Identity
from longwire.server.clients.callbacks import awaiting

if TYPE_CHECKING:
    from longwire.schema import Contract

Rule = Callable[[Identity, Mapping[str, str]], Awaitable[bool] | bool]
"""Says, at once or when awaited, whether an identity may join the room with these parameters."""


async def is_that_user(identity: Identity, parameters: Mapping[str, str]) -> bool:
    """Allow `user:{user_id}` to that user."""
    return parameters["user_id"] == identity.user_id


async def is_signed_in(identity: Identity, parameters: Mapping[str, str]) -> bool:
    """Allow everyone who holds a valid token."""
    return True


class RoomRules:
    """The rules of one server, by room pattern; services may join every room."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._rules: dict[str, Callable[[Identity, Mapping[str, str]], Awaitable[bool]]] = {}

    def add(self, pattern: str, rule: Rule) -> None:
        """Let `rule` decide about the rooms of `pattern`; the last rule given counts.

        Raises:
            ContractError: the contract has no such pattern.
        """
        if pattern not in {known.template for known in self._contract.rooms}:
            raise ContractError(f"no room pattern {pattern!r} in the contract")
        self._rules[pattern] = awaiting(rule)

    def is_declared(self, room: str) -> bool:
        """Return whether a pattern of the contract matches `room`."""
        return self._contract.match_room(room) is not None

    async def check(self, identity: Identity, room: str) -> None:
        """Return if `identity` may be in `room`.

        Raises:
            InvalidRoom: no pattern of the contract matches.
            RoomDenied: no rule allows it.
        """
        matched = self._contract.match_room(room)
        if matched is None:
            raise InvalidRoom(room, f"no room is named like {room[:100]!r}")
        if identity.service:
            return
        pattern, parameters = matched
        rule = self._rules.get(pattern.template)
        if rule is None or not await rule(identity, parameters):
            raise RoomDenied(room)

    async def permitted(self, identity: Identity, rooms: Iterable[str]) -> list[str]:
        """Return those of `rooms` that `identity` may be in, in the same order."""
        found: list[str] = []
        for room in rooms:
            try:
                await self.check(identity, room)
            except (InvalidRoom, RoomDenied):
                continue
            found.append(room)
        return found
