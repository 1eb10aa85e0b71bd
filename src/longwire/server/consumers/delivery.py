"""The records of a consumer: deliveries to its handler, parked events, and its status."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from longwire.log.publication import Publication
from longwire.record import Record
from longwire.types import Position


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """The circumstances of one call of a consumer's handler.

    Attributes:
        room: the room in which the event was published.
        position: the position of the event in the room's log.
        id: identifies the event: 32 characters, the same in each delivery, also after a restart
            and to another consumer. Record it together with the effect of the event to apply the
            effect once.
        attempt: 1 for the first call, more after failures that were recorded.
    """

    room: str
    position: Position
    id: str
    attempt: int


class ParkedEvent(Record):
    """An event that a consumer could not handle, kept until an operator decides about it.

    Attributes:
        consumer: the name of the consumer.
        id: the id of the event; see `Delivery`.
        room: the room in which it was published.
        position: its position in the room's log, which may not retain it any longer.
        event: its wire name.
        data: its payload.
        error: the last failure: type and message of the exception, at most 1,000 characters.
        attempts: how often the handler was called with it.
        parked_at: when it was parked, in milliseconds since the Unix epoch.
        is_retrying: whether an operator asked for another attempt that has not ended.
    """

    consumer: str
    id: str
    room: str
    position: Position
    event: str
    data: dict[str, Any]
    error: str
    attempts: int
    parked_at: int
    is_retrying: bool = False


class ConsumerStatus(Record):
    """A consumer as this node sees it; counts begin with the start of the server.

    Attributes:
        name: the name of the consumer.
        events: the wire names of the events that it receives.
        shards: how many of its shares this node works on.
        total_shards: how many shares there are on all nodes together.
        waiting: rooms that may have unread events, those that wait for another attempt included.
        handled: events that were handled here.
        failed: attempts that failed here.
        parked: events that are parked now, on all nodes.
        overtaken: how often the log of a room had dropped entries before they were read.
        restarted: how often the log of a room was replaced, so that it was read from its start.
    """

    name: str
    events: tuple[str, ...]
    shards: int
    total_shards: int
    waiting: int
    handled: int
    failed: int
    parked: int
    overtaken: int
    restarted: int


def id_of(room: str, entry: Publication) -> str:
    """Return the id of an entry.

    It depends on what the entry is, not on the epoch of the log: when a log continues under
    another epoch because it may have lost its tail, the entries that it kept keep their ids.
    """
    digest = hashlib.blake2b(entry.data, digest_size=16)
    digest.update(f"\n{entry.event}\n{entry.last}\n{entry.timestamp_ms}\n{room}".encode())
    return digest.hexdigest()
