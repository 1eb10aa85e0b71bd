"""Compares two versions of a contract: which changes break clients, workers or stored logs.

A payload that the server sends is read by clients of the old contract. It is also written under the
old contract, by workers that are not updated yet, and in logs that are retained. So a change of it
has to be compatible in both directions. A payload that only clients send is written by clients of
the old contract, and read by the new server; its acknowledgement is only read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from longwire.schema.acceptance import Resolved, accepts, resolve
from longwire.schema.description import (
    Choice,
    ContractDescription,
    Either,
    EventDescription,
    Field,
    ListOf,
    MapOf,
    Node,
    ObjectType,
    Reference,
    Scalar,
    TupleOf,
)

READ: Final = "a client of the old contract refuses or misses it"
WRITTEN: Final = "workers and logs of the old contract do not satisfy it"


class Change(msgspec.Struct, frozen=True):
    """One difference between two contracts.

    Attributes:
        is_breaking: whether programs or logs of the old contract can fail.
        where: the event, and the path of the member in its payload; or `rooms`.
        what: the difference, and for a breaking one its consequence.
    """

    is_breaking: bool
    where: str
    what: str


def compare_contracts(old: ContractDescription, new: ContractDescription) -> list[Change]:
    """Return the differences of two contracts, breaking ones first; documentation is ignored."""
    changes = [*_compare_events(old, new), *_compare_rooms(old, new)]
    return sorted(changes, key=lambda change: not change.is_breaking)


def _compare_rooms(old: ContractDescription, new: ContractDescription) -> Iterator[Change]:
    for room in old.rooms:
        if room not in new.rooms:
            yield Change(True, "rooms", f"the room {room} was removed: joining it fails")
    for room in new.rooms:
        if room not in old.rooms:
            yield Change(False, "rooms", f"the room {room} was added")


def _compare_events(old: ContractDescription, new: ContractDescription) -> Iterator[Change]:
    before = {event.name: event for event in old.events}
    after = {event.name: event for event in new.events}
    for name, event in before.items():
        if name not in after:
            yield Change(True, name, "the event was removed: sending it fails")
        else:
            yield from _compare_event(event, after[name], old, new)
    for name in after.keys() - before.keys():
        yield Change(False, name, "the event was added")


def _compare_event(
    before: EventDescription,
    after: EventDescription,
    old: ContractDescription,
    new: ContractDescription,
) -> Iterator[Change]:
    name = before.name
    if before.room != after.room:
        what = f"the room changed from {before.room or 'none'} to {after.room or 'none'}"
        yield Change(True, name, f"{what}: members of the old room miss the event")
    if before.conflation != after.conflation:
        yield Change(
            True, name, "the conflation changed: clients and retained logs merge otherwise"
        )
    if before.origin != after.origin:
        is_breaking = after.origin != "both"
        what = f"the origin changed from {before.origin} to {after.origin}"
        yield Change(is_breaking, name, what + ": sending it fails" * is_breaking)
    is_read = before.origin != "client"
    payload = _Comparison(old, new, is_read=is_read, is_written=True)
    yield from payload.compare(name, Reference(before.payload), Reference(after.payload))
    if before.ack is not None and after.ack is None:
        yield Change(True, name, "the acknowledgement was removed: a client waits for it")
    elif before.ack is None and after.ack is not None:
        yield Change(False, name, "an acknowledgement was added")
    elif before.ack is not None and after.ack is not None:
        answer = _Comparison(old, new, is_read=True, is_written=False)
        yield from answer.compare(f"{name} (acknowledgement)", before.ack, after.ack)


class _Comparison:
    """Compares types that are used by one event."""

    def __init__(
        self,
        old: ContractDescription,
        new: ContractDescription,
        *,
        is_read: bool,
        is_written: bool,
    ) -> None:
        self._old = old
        self._new = new
        self._is_read = is_read
        self._is_written = is_written
        self._seen: set[tuple[str, str]] = set()

    def compare(self, where: str, before: Node, after: Node) -> Iterator[Change]:
        """Yield the changes of a type, and of the types that it contains."""
        if isinstance(before, Reference) and isinstance(after, Reference):
            if (before.name, after.name) in self._seen:
                return
            self._seen.add((before.name, after.name))
        one, other = resolve(before, self._old), resolve(after, self._new)
        if isinstance(one, ObjectType) and isinstance(other, ObjectType):
            yield from self._compare_objects(where, one, other)
        elif isinstance(one, ListOf) and isinstance(other, ListOf):
            yield from self.compare(f"{where}[]", one.item, other.item)
        elif isinstance(one, MapOf) and isinstance(other, MapOf):
            yield from self.compare(f"{where}{{}}", one.value, other.value)
        else:
            yield from self._compare_values(where, one, other)

    def _compare_objects(self, where: str, one: ObjectType, other: ObjectType) -> Iterator[Change]:
        before = {field.name: field for field in one.fields}
        after = {field.name: field for field in other.fields}
        for name in sorted(before.keys() | after.keys()):
            path = f"{where}.{name}"
            if name not in after:
                yield self._removed(path, before[name])
            elif name not in before:
                yield self._added(path, after[name])
            else:
                yield from self._compare_presence(path, before[name], after[name])
                yield from self.compare(path, before[name].type, after[name].type)

    def _removed(self, where: str, field: Field) -> Change:
        is_breaking = self._is_read and not field.is_optional
        return Change(is_breaking, where, "the member was removed" + f": {READ}" * is_breaking)

    def _added(self, where: str, field: Field) -> Change:
        is_breaking = self._is_written and not field.has_default
        what = "a required member was added" if is_breaking else "a member was added"
        return Change(is_breaking, where, what + f": {WRITTEN}" * is_breaking)

    def _compare_presence(self, where: str, before: Field, after: Field) -> Iterator[Change]:
        if before.is_optional != after.is_optional:
            is_breaking = self._is_read and after.is_optional
            what = f"the member is {'optional' if after.is_optional else 'always sent'} now"
            yield Change(is_breaking, where, what + f": {READ}" * is_breaking)
        if before.has_default and not after.has_default:
            is_breaking = self._is_written
            yield Change(
                is_breaking, where, "the member is required now" + f": {WRITTEN}" * is_breaking
            )

    def _compare_values(self, where: str, one: Resolved, other: Resolved) -> Iterator[Change]:
        if one == other:
            return
        what = _difference(one, other)
        if self._is_read and not accepts((one, self._old), (other, self._new)):
            yield Change(True, where, f"{what}: {READ}")
        elif self._is_written and not accepts((other, self._new), (one, self._old)):
            yield Change(True, where, f"{what}: {WRITTEN}")
        else:
            yield Change(False, where, what)


def _difference(one: Resolved, other: Resolved) -> str:
    if isinstance(one, Choice) and isinstance(other, Choice):
        added = [str(value) for value in other.values if value not in one.values]
        removed = [str(value) for value in one.values if value not in other.values]
        parts = [
            f"values were {verb}: {', '.join(values)}"
            for verb, values in (("added", added), ("removed", removed))
            if values
        ]
        return "; ".join(parts) or "the order of the values changed"
    return f"the type changed from {_text(one)} to {_text(other)}"


def _text(node: Node | ObjectType) -> str:
    match node:
        case Scalar():
            limits = "".join(f" {name}={value}" for name, value in node.limits)
            return node.kind + limits
        case Choice():
            return " | ".join(map(repr, node.values))
        case ListOf():
            return f"list of {_text(node.item)}"
        case TupleOf():
            return f"tuple of {', '.join(map(_text, node.items))}"
        case MapOf():
            return f"map of {_text(node.value)}"
        case Either():
            return " | ".join(map(_text, node.options))
        case _:
            return node.name
