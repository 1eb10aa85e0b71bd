"""The fingerprint of a contract: a hash by which two sides detect that theirs differ."""

import hashlib
from typing import Final

import msgspec
from msgspec.structs import replace

from longwire.schema.description import ContractDescription, NamedType, ObjectType

LENGTH: Final = 16
"""Hexadecimal digits; 64 bits suffice to distinguish the versions of one contract."""


def fingerprint(description: ContractDescription) -> str:
    """Return a hash that ignores documentation and the order of declaration."""
    types = sorted(map(_undocumented, description.types), key=lambda found: found.name)
    events = sorted(description.events, key=lambda event: event.name)
    canonical = ContractDescription(tuple(types), tuple(events), tuple(sorted(description.rooms)))
    return hashlib.sha256(msgspec.json.encode(canonical)).hexdigest()[:LENGTH]


def _undocumented(described: NamedType) -> NamedType:
    if not isinstance(described, ObjectType):
        return replace(described, doc="")
    fields = sorted(described.fields, key=lambda field: field.name)
    return replace(described, doc="", fields=tuple(replace(field, doc="") for field in fields))
