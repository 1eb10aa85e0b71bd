"""A room of a server: publishing to it, and the values in it."""

from typing import Protocol, TypeVar

from msgspec import UNSET, UnsetType

from longwire.schema import Event
from longwire.types import Position
from longwire.values import Change, Snapshot, Values

T = TypeVar("T")


class _Publisher(Protocol):
    async def publish(
        self,
        event: Event,
        *,
        room: str | None = None,
        id: str | None = None,
        expect: Position | UnsetType | None = UNSET,
    ) -> Position: ...


class ServerRoom:
    """A room of a server, as `server.room("asset:7")`. It exists whether anything is in it or not.

    Attributes:
        name: The room's name.
    """

    __slots__ = ("_server", "_values", "name")

    def __init__(self, name: str, server: _Publisher, values: Values) -> None:
        self.name = name
        self._server = server
        self._values = values

    async def publish(
        self,
        event: Event,
        *,
        id: str | None = None,
        expect: Position | UnsetType | None = UNSET,
    ) -> Position:
        """Append an event to the log of this room; see `Server.publish`."""
        return await self._server.publish(event, room=self.name, id=id, expect=expect)

    async def latest(self, event: type[T], key: object = ()) -> Snapshot[T] | None:
        """Return the newest value of an event with `Latest` or `Merge`; None without one.

        Args:
            event: the type of the event.
            key: the value of its key, or a tuple of several. In a room that the event does not
                declare, the parameters of the declared room come first.

        Raises:
            InvalidEvent: the event has another rule, or the key does not fit.
            UnknownEvent: the contract does not contain the event.
            BrokerUnavailable: the log cannot be reached.
        """
        return await self._values.latest(self.name, event, key)

    async def update(self, event: type[T], key: object, change: Change[T]) -> Position:
        """Replace the newest value of a key by what `change` returns; return its position.

        This is compare-and-set: if anyone changes the value in between, `change` is called again
        with the newer one, up to five times after random pauses. So no change is lost, and `change`
        must be safe to repeat. An exception that it raises ends the update.

        Args:
            event: the type of the event, which has `Latest` or `Merge`.
            key: as for `latest`.
            change: receives the newest event, or None, and returns the event to publish; may be
                `async`. With `Merge` that is a patch.

        Raises:
            Conflict: each of six attempts lost to another writer.
            ConfigurationError: the returned event has another key.
            LongwireError: as `latest` and `Server.publish`.
        """
        return await self._values.update(self.name, event, key, change)
