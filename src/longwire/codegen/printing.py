"""Prints named types and type expressions as TypeScript."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

from longwire.schema.description import (
    Choice,
    Either,
    Field,
    ListOf,
    MapOf,
    NamedChoice,
    NamedNode,
    NamedType,
    Node,
    Reference,
    Scalar,
    TupleOf,
)

_WIDTH: Final = 100
_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


def print_node(node: Node) -> str:
    """Return a type expression."""
    return _PRINTERS[type(node)](node)


def _print_scalar(node: Scalar) -> str:
    return "number" if node.kind == "integer" else node.kind


def _print_choice(node: Choice) -> str:
    return " | ".join(json.dumps(value, ensure_ascii=False) for value in node.values)


def _print_list(node: ListOf) -> str:
    item = print_node(node.item)
    return f"({item})[]" if " | " in item else f"{item}[]"


def _print_tuple(node: TupleOf) -> str:
    return f"[{', '.join(map(print_node, node.items))}]"


def _print_map(node: MapOf) -> str:
    return f"Record<string, {print_node(node.value)}>"


def _print_either(node: Either) -> str:
    return " | ".join(dict.fromkeys(map(print_node, node.options)))


def _print_reference(node: Reference) -> str:
    return node.name


_PRINTERS: Final[dict[type, Callable[[Any], str]]] = {
    Scalar: _print_scalar,
    Choice: _print_choice,
    ListOf: _print_list,
    TupleOf: _print_tuple,
    MapOf: _print_map,
    Either: _print_either,
    Reference: _print_reference,
}


def print_type(described: NamedType) -> str:
    """Return the declaration of a named type."""
    if isinstance(described, NamedNode):
        return print_alias(described.name, [print_node(described.node)], described.doc)
    if isinstance(described, NamedChoice):
        options = [json.dumps(value, ensure_ascii=False) for value in described.choice.values]
        return print_alias(described.name, options, described.doc)
    members = "".join(map(_print_field, described.fields))
    return f"{print_doc(described.doc)}export interface {described.name} {{\n{members}}}\n"


def _print_field(field: Field) -> str:
    mark = "?" if field.is_optional else ""
    doc = print_doc(field.doc or _limits(field.type), "  ")
    return f"{doc}  {print_key(field.name)}{mark}: {print_node(field.type)};\n"


def print_alias(name: str, options: list[str], doc: str) -> str:
    """Return the declaration of a union."""
    line = f"export type {name} = {' | '.join(options)};\n"
    if len(line) > _WIDTH:
        lines = "".join(f"\n  | {option}" for option in options)
        line = f"export type {name} ={lines};\n"
    return print_doc(doc) + line


def print_doc(text: str, indent: str = "") -> str:
    """Return a documentation comment, or "" if there is no text."""
    if not text:
        return ""
    safe = text.replace("*/", "* /")
    lines = (safe[0].upper() + safe[1:]).splitlines()
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
    return f"{indent}/**\n{body}{indent} */\n"


def _limits(node: Node) -> str:
    words = {"minimum": "at least", "maximum": "at most", "pattern": "matching"}
    limits = node.limits if isinstance(node, Scalar) else ()
    return ", ".join(f"{words[name]} {value}" for name, value in limits if name in words)


def print_key(name: str) -> str:
    """Return a member's name, quoted if it has to be."""
    return name if _IDENTIFIER.fullmatch(name) else json.dumps(name, ensure_ascii=False)
