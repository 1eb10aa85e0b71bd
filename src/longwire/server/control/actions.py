"""Actions of operators: what they did, kept in the log of an internal room."""

from __future__ import annotations

from typing import Final

import msgspec

from longwire.broker import Broker
from longwire.broker.slices import read_slices
from longwire.log.publication import Draft, Publication
from longwire.record import Record
from longwire.types import Position

ACTIONS_ROOM: Final = "control actions"

DISCONNECT: Final = "disconnect"
REVOKE: Final = "revoke"
REINSTATE: Final = "reinstate"
ANNOUNCE: Final = "announce"


class Action(Record):
    """An action of an operator, as the audit log has it.

    Attributes:
        action: `disconnect`, `revoke`, `reinstate`, `announce`, or a name of the application.
        by: the operator: the user of the token, or a name that the application gives.
        at: when, in milliseconds since the Unix epoch, by the clock of the log.
        user: the user it concerns, if it concerns one.
        room: the room it concerns.
        connection: the public id of the connection it concerns.
        token_id: the id of the token it concerns (`jti`).
        issued_before: for `revoke`: only tokens issued before, in seconds since the epoch.
        message: for `announce`: the text; otherwise details for a person.
    """

    action: str
    by: str
    at: int | None = None
    user: str | None = None
    room: str | None = None
    connection: str | None = None
    token_id: str | None = None
    issued_before: float | None = None
    message: str | None = None


_decode: Final = msgspec.json.Decoder(Action).decode


class ActionLog:
    """The audit log: the newest 10,000 actions on all nodes.

    Args:
        broker: stores it.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def append(self, action: Action) -> None:
        """Append an action; every node receives it.

        Raises:
            BrokerUnavailable: the log cannot be reached.
        """
        await self._broker.publish(ACTIONS_ROOM, Draft(ACTIONS_ROOM, msgspec.json.encode(action)))

    async def read(self, limit: int) -> list[Action]:
        """Return the newest actions, newest first.

        Raises:
            BrokerUnavailable: the log cannot be reached.
        """
        found: list[Action] = []
        end = await self._broker.position(ACTIONS_ROOM)
        since = Position(end.epoch, max(0, end.offset - limit))
        async for history in read_slices(self._broker, ACTIONS_ROOM, since):
            if not history.recovered:
                found.clear()
            found += filter(None, map(read_action, history.publications))
            del found[: max(0, len(found) - limit)]
        return found[::-1]


def read_action(entry: Publication) -> Action | None:
    """Return the action of an entry; None for one that this version cannot read."""
    try:
        action = _decode(entry.data)
    except msgspec.MsgspecError:
        return None
    return msgspec.structs.replace(action, at=entry.timestamp_ms)
