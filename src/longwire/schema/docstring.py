"""Parses the summary and the field descriptions of a Google-style docstring."""

import inspect
import re

_FIELD = re.compile(r"    (\w+): (.*)")
_SECTION = re.compile(r"[A-Z][A-Za-z ]*:")


def summary(doc: str) -> str:
    """Return the text before the first section."""
    lines: list[str] = []
    for line in inspect.cleandoc(doc).splitlines():
        if _SECTION.fullmatch(line):
            break
        lines.append(line)
    return "\n".join(lines).strip()


def field_docs(doc: str) -> dict[str, str]:
    """Return the descriptions in the section `Attributes:`, by camelCase field name."""
    found: dict[str, str] = {}
    name = ""
    _, _, section = inspect.cleandoc(doc).partition("Attributes:\n")
    for line in section.splitlines():
        if _SECTION.fullmatch(line):
            break
        if entry := _FIELD.fullmatch(line):
            name = camel(entry[1])
            found[name] = entry[2]
        elif name and line.strip():
            found[name] += " " + line.strip()
    return found


def camel(name: str) -> str:
    """Convert a Python name to the camelCase of the wire."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)
