"""`Event`: the base class of typed events, a msgspec Struct with a wire name and a room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar, dataclass_transform

from msgspec import Meta, Struct, field

from longwire.errors import ContractError
from longwire.record import RecordMeta, annotations_in
from longwire.schema.declaration import Declaration, Origin
from longwire.schema.room_pattern import RoomPattern
from longwire.types import Conflation, override

MAX_SAFE_INTEGER: Final = 2**53 - 1
"""The largest integer that JavaScript represents exactly."""

Timestamp = Annotated[
    int, Meta(ge=0, le=MAX_SAFE_INTEGER, description="Milliseconds since the Unix epoch.")
]

_E = TypeVar("_E", bound="EventMeta")


class EventMeta(RecordMeta):
    """Metaclass that reads an event's declaration from its class statement."""

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
        """Create the class and check its declaration."""
        if bases != (Struct,) and "timestamp" in annotations_in(namespace):
            raise ContractError(f"{class_name}: the field 'timestamp' is already defined by Event")
        cls = super().__new__(mcls, class_name, bases, namespace, frozen=frozen)
        cls.__event__ = None
        if name is not None:
            pattern = None if room is None else RoomPattern(room)
            cls.__event__ = Declaration(name, cls, pattern, conflate, origin, ack)
            cls.__event__.check(cls.__struct_fields__)
        elif room is not None or conflate is not None:
            raise ContractError(f"{class_name} declares room= or conflate= without name=")
        return cls


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Event(Struct, metaclass=EventMeta, frozen=True):
    """Base class of an application's events. Subclass it with `name=` to declare an event.

    ```python
    class JobProgress(Event, name="job:progress", room="job:{job_id}", conflate=Latest()):
        job_id: str
        progress: Annotated[float, Meta(ge=0, le=100)]
        estimated_completion: float | None = None
    ```

    A subclass without `name=` is not an event, but an abstract base whose fields are inherited.
    Values are checked when an event is encoded or decoded, not when it is constructed. Unknown
    fields are ignored, so that older readers understand newer writers.

    Class keywords:
        name: the wire name, such as `job:progress`.
        room: the template of the event's room; its parameters are fields of the event. Without it,
            the publisher names the room.
        conflate: how entries merge in the log: `Latest`, `Concat` or `Merge`. Without it, each is
            kept.
        origin: the side that may send the event: `"server"` (the default), `"client"` or `"both"`.
        ack: the type of the acknowledgement that a client receives for it.

    Attributes:
        timestamp: milliseconds since the Unix epoch; 0 until the event is published.
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
    """Return the declaration of an event type.

    Raises:
        ContractError: the type is not an event, or is declared without `name=`.
    """
    declaration = getattr(model, "__event__", None)
    if not isinstance(declaration, Declaration):
        raise ContractError(f"{model.__name__} is not an event: declare it with name=")
    return declaration
