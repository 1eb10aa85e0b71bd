"""Typed events: msgspec Structs with a wire name, a room and a conflation rule."""

from __future__ import annotations

import itertools
import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar, cast, dataclass_transform

from msgspec import NODEFAULT, Meta, Struct, StructMeta, field

from longwire.errors import ContractError
from longwire.schema.declaration import Declaration, Origin
from longwire.schema.room_pattern import RoomPattern

if TYPE_CHECKING:
    from typing_extensions import override

    from longwire.types import Conflation

MAX_SAFE_INTEGER: Final = 2**53 - 1
"""The largest integer that JavaScript represents exactly."""

Timestamp = Annotated[
    int, Meta(ge=0, le=MAX_SAFE_INTEGER, description="Milliseconds since the Unix epoch.")
]

_M = TypeVar("_M", bound="RecordMeta")
_E = TypeVar("_E", bound="EventMeta")


class RecordMeta(StructMeta):
    """Gives every Struct of a contract the same manners on the wire.

    Fields are keyword-only, immutable and camelCase. A field that defaults to None is left out
    when it is None; every other default is sent, so a reader needs no knowledge of defaults.
    """

    def __new__(
        mcls: type[_M],
        class_name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        /,
        *,
        frozen: Literal[True] = True,
    ) -> _M:
        """Create the class; `frozen` is there for type checkers, which ask a base to say it."""
        if bases != (Struct,):
            _send_defaults(namespace)
        return super().__new__(
            mcls,
            class_name,
            bases,
            namespace,
            kw_only=True,
            frozen=frozen,
            rename="camel",
            omit_defaults=True,
        )


class EventMeta(RecordMeta):
    """Reads the declaration of an event from its class statement."""

    __event__: Declaration | None

    def __new__(
        mcls: type[_E],
        class_name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        /,
        *,
        frozen: Literal[True] = True,
        name: str | None = None,
        room: str | None = None,
        conflate: Conflation | None = None,
        origin: Origin = "server",
        ack: type | None = None,
    ) -> _E:
        """Create the class and check what it declares."""
        if bases != (Struct,) and "timestamp" in _annotations(namespace):
            raise ContractError(f"{class_name}: every event has the field 'timestamp' already")
        cls = super().__new__(mcls, class_name, bases, namespace, frozen=frozen)
        cls.__event__ = None
        if name is not None:
            pattern = None if room is None else RoomPattern(room)
            cls.__event__ = Declaration(name, cls, pattern, conflate, origin, ack)
            cls.__event__.check(cls.__struct_fields__)
        elif room is not None or conflate is not None:
            raise ContractError(f"{class_name} declares a room or a conflation but no name=")
        return cls


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Record(Struct, metaclass=RecordMeta, frozen=True):
    """A structured value inside an event: keyword-only, immutable, camelCase on the wire."""


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Event(Struct, metaclass=EventMeta, frozen=True):
    """A typed application event; subclass it with `name=` to declare one.

    ```python
    class JobProgress(Event, name="job:progress", room="job:{job_id}", conflate=Latest()):
        job_id: str
        progress: Annotated[float, Meta(ge=0, le=100)]
        estimated_completion: float | None = None
    ```

    A subclass without `name=` is an abstract base: its fields are inherited, it is no event.
    Values are checked when an event is encoded or decoded, not when it is constructed; unknown
    fields are ignored, so older readers understand newer writers.

    Attributes:
        timestamp: milliseconds since the Unix epoch; 0 until the publisher stamps it.
    """

    timestamp: Timestamp = 0

    if TYPE_CHECKING:

        @override
        def __init_subclass__(
            cls,
            *,
            name: str | None = None,
            room: str | None = None,
            conflate: Conflation | None = None,
            origin: Origin = "server",
            ack: type | None = None,
        ) -> None: ...


def declaration_of(model: type) -> Declaration:
    """Return what an event type declares about itself.

    Raises:
        ContractError: the type is no event, or an abstract one (declared without `name=`).
    """
    declaration = getattr(model, "__event__", None)
    if not isinstance(declaration, Declaration):
        raise ContractError(f"{model.__name__} is no event: it is declared without name=")
    return declaration


def _send_defaults(namespace: dict[str, Any]) -> None:
    # omit_defaults leaves out every plain default, and None is the only one that shall be left
    # out. A default that comes from a factory is always sent (list, dict and set excepted).
    for name in _annotations(namespace):
        if name in namespace:
            namespace[name] = _sent_default(namespace[name])


def _sent_default(declared: Any) -> object:
    specified: Any = declared if type(declared) is _FIELD else field(default=declared)
    name, default, factory = specified.name, specified.default, specified.default_factory
    if default is None or (default is NODEFAULT and factory is NODEFAULT):
        return declared
    if factory is not NODEFAULT:
        return field(default_factory=partial(factory), name=name)
    if type(default) in _EMPTY:  # msgspec itself refuses those that are not empty
        return declared if default else field(default_factory=_EMPTY[type(default)], name=name)
    return field(default_factory=itertools.repeat(default).__next__, name=name)


_FIELD: Final[Any] = type(cast("object", field()))
_EMPTY: Final[dict[type, Any]] = {list: partial(list), dict: partial(dict), set: partial(set)}


def _annotations(namespace: dict[str, Any]) -> dict[str, Any]:
    if sys.version_info >= (3, 14):  # PEP 649: annotations are computed when asked for
        from annotationlib import Format, call_annotate_function, get_annotate_from_class_namespace

        annotate = get_annotate_from_class_namespace(namespace)
        if annotate is not None:
            return call_annotate_function(annotate, Format.FORWARDREF)
    annotations: dict[str, Any] = namespace.get("__annotations__", {})
    return annotations
