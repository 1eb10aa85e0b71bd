"""Typed events: msgspec Structs with a wire name, a room and a conflation rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar, dataclass_transform

from msgspec import Meta, Struct, field

from longwire.errors import ContractError
from longwire.record import RecordMeta, annotations_in
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

_E = TypeVar("_E", bound="EventMeta")


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
        if bases != (Struct,) and "timestamp" in annotations_in(namespace):
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
