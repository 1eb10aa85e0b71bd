"""Revoking and disconnecting on all nodes, and the audit log of such actions."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Final

from longwire.broker import Broker
from longwire.broker.sweeper import Sweeper
from longwire.clock import clock
from longwire.errors import ConfigurationError
from longwire.log.publication import Publication
from longwire.reasons import SERVER_DISCONNECT, TOKEN_REVOKED
from longwire.server.access.authentication import Identity
from longwire.server.access.revocations import Revocation, Revocations, Target
from longwire.server.clients.socket import Socket
from longwire.server.control.actions import (
    ACTIONS_ROOM,
    DISCONNECT,
    REINSTATE,
    REVOKE,
    Action,
    ActionLog,
    read_action,
)
from longwire.server.control.table import Table, TableFull
from longwire.server.errors import TooManyRevocations
from longwire.server.limits import Limits
from longwire.server.rooms.hub import Hub
from longwire.wire import AUTH_ERROR

REVOCATIONS_ROOM: Final = "control revocations"

# Characters of a name in an action: more than any id has.
MAX_NAME: Final = 200

# Characters of a message in the audit log.
MAX_MESSAGE: Final = 1000


class Control:
    """Carries actions to all nodes through logs: no node can miss one.

    Revocations are a table that a node has read before it accepts clients, and reads before
    anything else when it was cut off. Every action is besides an entry of the audit log, which all
    nodes follow: a node that receives a `disconnect` there ends its connections.

    Args:
        broker: stores the logs.
        hub: delivers their entries.
        limits: how many revocations there may be, and how long a token lives.
        sockets: returns the clients that are connected to this node.
    """

    def __init__(
        self, broker: Broker, hub: Hub, limits: Limits, sockets: Callable[[], list[Socket]]
    ) -> None:
        self._broker = broker
        self._hub = hub
        self._limits = limits
        self._sockets = sockets
        self._actions = ActionLog(broker)
        self._is_sweeping = False
        self._dropper = Sweeper(self._drop_ended)
        self.revocations = Revocations()
        self._table = Table(
            broker,
            hub,
            REVOCATIONS_ROOM,
            Revocation,
            limits.revocations,
            self._receive_revocation,
            lambda revocation: revocation.until <= clock.time(),
        )

    async def start(self) -> None:
        """Read the revocations, and follow both logs.

        Raises:
            BrokerUnavailable: the logs cannot be reached.
        """
        self._hub.observe(ACTIONS_ROOM, self._receive_action)
        await self._table.start()
        await self._broker.subscribe_first(ACTIONS_ROOM)
        self._dropper.start()

    async def close(self) -> None:
        """Stop following the logs."""
        self._dropper.stop()
        await self._table.close()

    async def check(self, identity: Identity) -> None:
        """Return if an identity may be used, with every revocation that the log holds.

        Raises:
            AuthenticationError: it is revoked, or lives for longer than revocations are kept.
            BrokerUnavailable: this node is cut off from the log.
        """
        await self._broker.until_current()
        self.revocations.check(identity)

    async def revoke(
        self,
        user: str | None,
        token_id: str | None,
        issued_before: float | None,
        expires_at: float | None,
        by: str,
    ) -> None:
        """Refuse a user or a token from now on; see `Server.revoke`."""
        _check_one(user=user, token_id=token_id)
        if issued_before is not None and user is None:
            raise ConfigurationError("issued_before concerns the tokens of a user: pass user=…")
        _check_time("issued_before", issued_before)
        _check_time("expires_at", expires_at)
        revocation = Revocation(
            clock.time() + self._limits.token_lifetime if expires_at is None else expires_at,
            issued_before,
        )
        target = _target(user, token_id, issued_before)
        try:
            await self._table.update(target.key, lambda known: _stricter(known, revocation))
        except TableFull as error:
            raise TooManyRevocations(
                f"{error}: end some with reinstate(), lower Limits.token_lifetime to the lifetime "
                "of your tokens, or raise Limits.revocations"
            ) from None
        self.disconnect_revoked()
        await self._actions.append(
            Action(action=REVOKE, by=by, user=user, token_id=token_id, issued_before=issued_before)
        )

    async def reinstate(self, user: str | None, token_id: str | None, by: str) -> None:
        """End the revocations of a user or a token; see `Server.reinstate`."""
        _check_one(user=user, token_id=token_id)
        kinds = ("token",) if user is None else ("user", "issued")
        for kind in kinds:
            await self._table.update(Target(kind, user or token_id or "").key, lambda known: None)
        await self._actions.append(Action(action=REINSTATE, by=by, user=user, token_id=token_id))

    async def disconnect(
        self, user: str | None, room: str | None, connection: str | None, by: str
    ) -> None:
        """End connections on all nodes; see `Server.disconnect`."""
        _check_one(user=user, room=room, connection=connection)
        action = Action(action=DISCONNECT, by=by, user=user, room=room, connection=connection)
        await self._actions.append(action)

    async def record(self, action: Action) -> None:
        """Append an action to the audit log; see `Server.record_action`."""
        if action.action in (DISCONNECT, REVOKE, REINSTATE):
            raise ConfigurationError(f"{action.action!r} is recorded by its own method: call that")
        message = action.message
        if message is not None and len(message) > MAX_MESSAGE:
            raise ConfigurationError(
                f"a message in the audit log has at most {MAX_MESSAGE} characters, "
                f"got {len(message)}"
            )
        _check_names(
            action=action.action,
            by=action.by,
            user=action.user,
            room=action.room,
            connection=action.connection,
            token_id=action.token_id,
        )
        await self._actions.append(action)

    async def actions(self, limit: int) -> list[Action]:
        """Return the newest actions on all nodes, newest first; see `Server.actions`."""
        if limit < 1:
            raise ConfigurationError(f"limit must be >= 1, got {limit}")
        return await self._actions.read(limit)

    # Entries of the logs

    def _receive_revocation(self, key: str, revocation: Revocation | None) -> None:
        self.revocations.receive(key, revocation)
        if revocation is not None and not self._is_sweeping:
            # Once for all that arrive together: each look at the connections reads all of them.
            self._is_sweeping = True
            asyncio.get_running_loop().call_soon(self.disconnect_revoked)

    def disconnect_revoked(self) -> None:
        """End the connections on this node whose identities are revoked."""
        self._is_sweeping = False
        if not len(self.revocations):
            return
        for socket in self._sockets():
            if self.revocations.is_revoked(socket.identity):
                socket.emit(AUTH_ERROR, "the token was revoked")
                socket.disconnect(TOKEN_REVOKED)

    def _receive_action(self, room: str, publication: Publication) -> None:
        if room != ACTIONS_ROOM:
            return
        action = read_action(publication)
        if action is not None and action.action == DISCONNECT:
            for socket in self._sockets():
                if _concerns(action, socket):
                    socket.disconnect(SERVER_DISCONNECT)

    def _drop_ended(self) -> None:
        self.revocations.drop_ended()


def _concerns(action: Action, socket: Socket) -> bool:
    if action.user is not None:
        return socket.identity.user_id == action.user
    if action.room is not None:
        return action.room in socket.rooms
    return socket.sid == action.connection


def _target(user: str | None, token_id: str | None, issued_before: float | None) -> Target:
    if user is None:
        return Target("token", token_id or "")
    return Target("user" if issued_before is None else "issued", user)


def _stricter(known: Revocation | None, given: Revocation) -> Revocation:
    """Return a revocation that refuses whatever one of two for the same target refuses."""
    if known is None or known.until <= clock.time():
        return given
    before = known.issued_before
    if before is not None and given.issued_before is not None:
        before = max(before, given.issued_before)
    return Revocation(max(known.until, given.until), before)


def _check_one(**names: str | None) -> None:
    """Check that exactly one argument is given, and that it can be a name."""
    given = [name for name, value in names.items() if value is not None]
    if len(given) != 1:
        wanted = " or ".join(f"{name}=…" for name in names)
        got = " and ".join(given) or "none of them"
        raise ConfigurationError(f"pass exactly one of {wanted}; got {got}")
    _check_names(**names)


def _check_names(**names: str | None) -> None:
    for name, value in names.items():
        if value is None:
            continue
        if not 0 < len(value) <= MAX_NAME:
            raise ConfigurationError(
                f"{name} must have 1 to {MAX_NAME} characters, got {len(value)}"
            )


def _check_time(name: str, value: float | None) -> None:
    if value is not None and not math.isfinite(value):
        raise ConfigurationError(f"{name} must be in seconds since the epoch, got {value!r}")
