"""Describes the public surface of the packages, as `exports.txt` pins it.

`python -m tests.exports` writes that file again after an intended change.
"""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, is_typeddict

import msgspec

SNAPSHOT = Path(__file__).with_name("exports.txt")

# Described with signatures and members, each name where it is met first.
PACKAGES = [
    "longwire.types",
    "longwire.errors",
    "longwire.schema",
    "longwire.catalog",
    "longwire.jobs",
    "longwire.broker",
    "longwire.broker.sqlite",
    "longwire.broker.redis",
    "longwire.server",
    "longwire.server.uvicorn",
    "longwire.integrations.fastapi",
    "longwire.admin",
    "longwire.metrics",
    "longwire.client",
    "longwire.sync",
    "longwire.testing",
    "longwire",
]


def describe() -> str:
    """Return the text of the snapshot."""
    seen: set[int] = set()
    return "\n\n".join("\n".join(_package(name, seen)) for name in PACKAGES) + "\n"


def public_names(module: ModuleType) -> list[str]:
    """Return what a module exports: its `__all__`, or what it defines without an underscore."""
    listed: list[str] | None = getattr(module, "__all__", None)
    if listed is not None:
        return sorted(listed)
    defined = vars(module).items()
    return sorted(
        name
        for name, value in defined
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    )


def _package(name: str, seen: set[int]) -> Iterator[str]:
    yield name
    module = import_module(name)
    for export in public_names(module):
        value = getattr(module, export)
        is_described = id(value) in seen
        seen.add(id(value))
        if is_described or not (inspect.isclass(value) or inspect.isfunction(value)):
            yield f"    {export}"
        elif inspect.isfunction(value):
            yield f"    {export}{_signature(value)}"
        else:
            yield f"    class {export}{_bases(value)}{_constructor(value)}"
            yield from (f"        {line}" for line in _members(value))


def _bases(kind: type) -> str:
    names = [base.__name__ for base in kind.__bases__ if base is not object]
    return f" [{', '.join(names)}]" if names else ""


def _constructor(kind: type) -> str:
    if issubclass(kind, enum.Enum) or is_typeddict(kind) or getattr(kind, "_is_protocol", False):
        return ""
    if not issubclass(kind, msgspec.Struct):
        return _signature(kind)
    required = len(kind.__struct_fields__) - len(kind.__struct_defaults__)
    defaults = (*[msgspec.NODEFAULT] * required, *kind.__struct_defaults__)
    fields = [
        name if default is msgspec.NODEFAULT else f"{name}={_default(default)}"
        for name, default in zip(kind.__struct_fields__, defaults, strict=True)
    ]
    return f"({', '.join(fields)})"


def _members(kind: type) -> Iterator[str]:
    """Describe the public members that Longwire defines, inherited ones included."""
    if issubclass(kind, enum.Enum):
        yield from (f"{member.name} = {member.value!r}" for member in kind)
        return
    if is_typeddict(kind):
        yield from sorted(kind.__annotations__)
        return
    fields = getattr(kind, "__struct_fields__", ())
    for name in sorted({*dir(kind), *_documented_attributes(kind)}):
        if name.startswith("_") or name in fields:
            continue
        owner = next((base for base in kind.__mro__ if name in vars(base)), None)
        if owner is None:
            yield name
        elif owner.__module__.startswith("longwire"):
            value = getattr(kind, name)
            is_method = inspect.isfunction(value)
            yield f"{name}{_signature(value)}" if is_method else _attribute(name, vars(owner)[name])


def _documented_attributes(kind: type) -> list[str]:
    """Return the names that a docstring lists: some attributes exist in instances only."""
    _, _, section = (inspect.getdoc(kind) or "").partition("\nAttributes:\n")
    return re.findall(r"^    (\w+):", section.partition("\n\n")[0], re.MULTILINE)


def _attribute(name: str, member: object) -> str:
    if isinstance(member, classmethod):
        return f"classmethod {name}{_signature(member.__func__)}"
    return f"{name} = {member!r}" if isinstance(member, str | int) else name


def _signature(value: Any) -> str:
    try:
        parameters = list(inspect.signature(value).parameters.values())
    except (TypeError, ValueError):
        return ""
    parts: list[str] = []
    has_star = False
    for parameter in parameters:
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not has_star:
            parts.append("*")
        has_star |= parameter.kind in (parameter.VAR_POSITIONAL, parameter.KEYWORD_ONLY)
        parts.append(_parameter(parameter))
    return f"({', '.join(parts)})"


def _parameter(parameter: inspect.Parameter) -> str:
    stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    default = "" if parameter.default is parameter.empty else f"={_default(parameter.default)}"
    return f"{stars}{parameter.name}{default}"


def _default(value: object) -> str:
    simple = (type(None), bool, int, float, str, bytes, tuple)
    return repr(value) if type(value) in simple else "…"


if __name__ == "__main__":
    SNAPSHOT.write_text(describe())
