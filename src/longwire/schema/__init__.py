"""Typed events, room patterns, and contracts, which combine them."""

from longwire.record import Record
from longwire.schema.contract import Contract, Encoded
from longwire.schema.declaration import Declaration, Origin
from longwire.schema.event import Event, Timestamp, declaration_of
from longwire.schema.room_pattern import MAX_ROOM_LENGTH, RoomPattern, check_room
from longwire.wire import Fault, JoinAck, PublishAck

__all__ = [
    "MAX_ROOM_LENGTH",
    "Contract",
    "Declaration",
    "Encoded",
    "Event",
    "Fault",
    "JoinAck",
    "Origin",
    "PublishAck",
    "Record",
    "RoomPattern",
    "Timestamp",
    "check_room",
    "declaration_of",
]
