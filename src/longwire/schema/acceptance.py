"""Whether every value of one type is a value of another, of the same contract or a later one."""

from __future__ import annotations

from typing import Final

from longwire.schema.description import (
    Choice,
    ContractDescription,
    Either,
    Field,
    ListOf,
    MapOf,
    NamedChoice,
    Node,
    ObjectType,
    Reference,
    Scalar,
    TupleOf,
)

Resolved = ObjectType | Choice | Scalar | ListOf | TupleOf | MapOf | Either
"""A type without a reference at its top."""

_DEPTH: Final = 20
"""A type that contains itself is compared to this depth."""

_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength")


def resolve(node: Node | ObjectType, contract: ContractDescription) -> Resolved:
    """Return the type that a reference stands for."""
    while isinstance(node, Reference):
        found = contract.type_named(node.name)
        if isinstance(found, ObjectType):
            return found
        node = found.choice if isinstance(found, NamedChoice) else found.node
    return node


def accepts(
    reader: tuple[Node | ObjectType, ContractDescription],
    writer: tuple[Node | ObjectType, ContractDescription],
) -> bool:
    """Return whether every value of the writer's type is one of the reader's type.

    Args:
        reader: a type, and the contract that it belongs to.
        writer: likewise.
    """
    return _Acceptance(reader[1], writer[1]).accepts(reader[0], writer[0], 0)


class _Acceptance:
    def __init__(self, reads: ContractDescription, writes: ContractDescription) -> None:
        self._reads = reads
        self._writes = writes

    def accepts(self, reader: Node | ObjectType, writer: Node | ObjectType, depth: int) -> bool:
        if depth > _DEPTH:
            return True
        one, other = resolve(reader, self._reads), resolve(writer, self._writes)
        if isinstance(other, Either):
            return all(self.accepts(one, option, depth + 1) for option in other.options)
        if isinstance(one, Either):
            return any(self.accepts(option, other, depth + 1) for option in one.options)
        if isinstance(one, Scalar | Choice):
            return _accepts_literal(one, other)
        return self._accepts_structure(one, other, depth + 1)

    def _accepts_structure(self, one: Resolved, other: Resolved, depth: int) -> bool:
        match one, other:
            case ListOf(), ListOf():
                return self.accepts(one.item, other.item, depth)
            case ListOf(), TupleOf():
                return all(self.accepts(one.item, item, depth) for item in other.items)
            case TupleOf(), TupleOf():
                pairs = zip(one.items, other.items, strict=False)
                return len(one.items) == len(other.items) and all(
                    self.accepts(left, right, depth) for left, right in pairs
                )
            case MapOf(), MapOf():
                return self.accepts(one.value, other.value, depth)
            case ObjectType(), ObjectType():
                sent = {field.name: field for field in other.fields}
                return all(self._has(field, sent.get(field.name), depth) for field in one.fields)
            case _:
                return False

    def _has(self, field: Field, sent: Field | None, depth: int) -> bool:
        if sent is None or (sent.is_optional and not field.is_optional):
            return field.is_optional
        return self.accepts(field.type, sent.type, depth)


def _accepts_literal(one: Scalar | Choice, other: Resolved) -> bool:
    match one, other:
        case Scalar(kind="unknown"), _:
            return True
        case Scalar(), Scalar():
            return _accepts_scalar(one, other)
        case Choice(), Choice():
            return set(other.values) <= set(one.values)
        case Scalar(), Choice():
            return not one.limits and all(_is_a(value, one.kind) for value in other.values)
        case _:
            return False


def _accepts_scalar(reader: Scalar, writer: Scalar) -> bool:
    if reader.kind != writer.kind and (reader.kind, writer.kind) != ("number", "integer"):
        return False
    known = dict(writer.limits)
    return all(_implies(name, known.get(name), limit) for name, limit in reader.limits)


def _implies(name: str, known: float | str | None, limit: float | str) -> bool:
    if known == limit:
        return True
    if isinstance(known, str) or isinstance(limit, str) or known is None:
        return False
    return known > limit if name in _LOWER else name in _UPPER and known < limit


def _is_a(value: str | int | None, kind: str) -> bool:
    if isinstance(value, str):
        return kind == "string"
    return kind == "null" if value is None else kind in ("integer", "number")
