"""Calls hooks when a room gets its first member on any node, and when it has lost its last one.

The nodes that have members in a room are an entry of a table that all nodes share. Whichever node
changes it from no nodes to some, or back, calls the hooks: the change is a compare-and-set, so that
is one node. Only the first and the last member of a room on a node matter to it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from longwire.background import BackgroundTasks
from longwire.broker import Broker
from longwire.callables import awaiting
from longwire.errors import BrokerUnavailable, ContractError
from longwire.schema import Contract
from longwire.server.control.nodes import Nodes
from longwire.server.control.table import Table, TableFull
from longwire.server.rooms.hub import Hub

logger = logging.getLogger("longwire.server")

OCCUPANCY_ROOM: Final = "control occupancy"

# Rooms of hooks that may have members at one time.
MAX_ROOMS: Final = 100_000

# Seconds until a change that could not be written is tried again.
TRY_AGAIN: Final = 0.5

# Seconds that hooks may take to end when the server is closed.
CLOSE_TIMEOUT: Final = 5.0

RoomHook = Callable[[str, Mapping[str, str]], Awaitable[None] | None]
"""Is called with the name of a room and the parameters of its pattern; may be `async`."""

_Hook = Callable[[str, Mapping[str, str]], Awaitable[None]]
_Presence = tuple[str, ...]


class Occupancy:
    """Follows the members of the rooms that have hooks. Without hooks it does nothing.

    Args:
        broker: stores the table.
        hub: has the members of this node.
        nodes: tells which other nodes live.
        contract: has the rooms' patterns.
        settle: seconds that a room must be without members before it counts as vacated.
    """

    def __init__(
        self, broker: Broker, hub: Hub, nodes: Nodes, contract: Contract, settle: float
    ) -> None:
        self._broker = broker
        self._hub = hub
        self._nodes = nodes
        self._contract = contract
        self._settle = settle
        self._occupied: dict[str, list[_Hook]] = {}
        self._vacated: dict[str, list[_Hook]] = {}
        self._table: Table[_Presence] | None = None
        self._here: set[str] = set()
        self._settling: dict[str, asyncio.TimerHandle] = {}
        self._updating: set[str] = set()
        self._is_closing = False
        self._tasks = BackgroundTasks()
        self._calls = BackgroundTasks()

    def on_occupied(self, pattern: str, hook: RoomHook) -> None:
        """Add a hook for rooms that get their first member."""
        self._add(self._occupied, pattern, hook)

    def on_vacated(self, pattern: str, hook: RoomHook) -> None:
        """Add a hook for rooms that have lost their last member."""
        self._add(self._vacated, pattern, hook)

    async def start(self) -> None:
        """Read which rooms have members, and follow those of this node.

        Raises:
            BrokerUnavailable: the log cannot be reached.
        """
        if not self._occupied and not self._vacated:
            return
        self._is_closing = False
        self._hub.watch_members(self._receive_first, self._receive_last)
        self._nodes.on_death(self._receive_death)
        self._table = Table(
            self._broker, self._hub, OCCUPANCY_ROOM, _Presence, MAX_ROOMS, self._receive_change
        )
        await self._table.start()

    def stop(self) -> None:
        """Stop following members: those that the end of this node disconnects go to another node.

        Its rooms stay in the table until the other nodes count this one as dead.
        """
        self._hub.unwatch_members()
        for timer in self._settling.values():
            timer.cancel()
        self._settling.clear()

    async def close(self) -> None:
        """Stop, and wait for the changes and hooks that are under way."""
        self.stop()
        self._is_closing = True
        for tasks in (self._tasks, self._calls):
            if tasks:
                await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT)
                tasks.cancel()
                await tasks.wait(return_exceptions=True)
        self._here.clear()
        if self._table is not None:
            await self._table.close()
            self._table = None

    def _add(self, hooks: dict[str, list[_Hook]], pattern: str, hook: RoomHook) -> None:
        if pattern not in {known.template for known in self._contract.rooms}:
            raise ContractError(f"the contract has no room pattern {pattern!r}")
        hooks.setdefault(pattern, []).append(awaiting(hook))

    # Members of this node

    def _receive_first(self, room: str) -> None:
        matched = self._contract.match_room(room)
        if matched is None or not self._has_hooks(matched[0].template):
            return
        timer = self._settling.pop(room, None)
        if timer is not None:
            timer.cancel()
        self._here.add(room)
        self._update(room)

    def _receive_last(self, room: str) -> None:
        if room in self._here:
            loop = asyncio.get_running_loop()
            self._settling[room] = loop.call_later(self._settle, self._vacate, room)

    def _vacate(self, room: str) -> None:
        del self._settling[room]
        self._here.discard(room)
        self._update(room)

    def _has_hooks(self, pattern: str) -> bool:
        return pattern in self._occupied or pattern in self._vacated

    # Other nodes

    def _receive_change(self, room: str, presence: _Presence | None) -> None:
        for node in presence or ():
            self._nodes.expect(node)
        if room in self._here and self._nodes.name not in (presence or ()):
            self._update(room)  # the others took this node for dead

    def _receive_death(self, node: str) -> None:
        if self._table is not None:
            for room, presence in self._table.items():
                if node in presence:
                    self._update(room)

    # The table

    def _update(self, room: str) -> None:
        if self._table is not None and room not in self._updating:
            self._updating.add(room)
            self._tasks.start(self._update_until_done(self._table, room))

    async def _update_until_done(self, table: Table[_Presence], room: str) -> None:
        """Enter what holds for this node now into the table, also after an outage."""
        before: _Presence | None = None
        after: _Presence | None = None

        def change(presence: _Presence | None) -> _Presence | None:
            nonlocal before, after
            nodes = {node for node in presence or () if self._nodes.is_live(node)}
            nodes.discard(self._nodes.name)
            if room in self._here:
                nodes.add(self._nodes.name)
            changed = tuple(sorted(nodes)) or None
            # An equal value after an outage: the write whose outcome was unknown was made.
            if changed != presence:
                before, after = presence, changed
            return changed

        try:
            while True:
                try:
                    await table.update(room, change)
                except BrokerUnavailable:
                    if self._is_closing:
                        return
                    await asyncio.sleep(TRY_AGAIN)
                    continue
                self._call_hooks(room, before, after)
                before = after = None
                if (room in self._here) == (self._nodes.name in (table.get(room) or ())):
                    return
        except TableFull:
            logger.warning("more than %d rooms with hooks have members: one is ignored", MAX_ROOMS)
        finally:
            self._updating.discard(room)

    def _call_hooks(self, room: str, before: _Presence | None, after: _Presence | None) -> None:
        if bool(before) == bool(after):
            return
        matched = self._contract.match_room(room)
        if matched is None:
            return  # of a contract that has changed since
        pattern, parameters = matched
        for hook in (self._occupied if after else self._vacated).get(pattern.template, ()):
            self._calls.start(_call(hook, room, parameters))


async def _call(hook: _Hook, room: str, parameters: Mapping[str, str]) -> None:
    try:
        await hook(room, parameters)
    except Exception:
        logger.exception("a hook of room %r failed", room, extra={"room": room})
