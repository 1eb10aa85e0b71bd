"""The wire format of a publication, encoded once per variant and shared by all recipients."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from longwire.log.publication import Publication
from longwire.websocket.frames import TEXT, encode_frame

_encode_json = msgspec.json.Encoder().encode


class PreparedMessage:
    """An event of the main namespace, encoded for the wire.

    It covers the entries `first` to `last` of the room's log. Clients that requested positions
    receive one more argument, `"<last>@<room>"` or `"<first>-<last>@<room>"`. Each variant is
    encoded when it is first used; after that, all recipients are sent the same objects.

    Attributes:
        event: the event's name.
        data: the payload, one JSON object.
        room: the room of the log; None for a volatile event, which has no position.
        first: the first offset that it covers.
        last: the last offset that it covers.
    """

    __slots__ = ("_frames", "_packets", "data", "event", "first", "last", "room")

    def __init__(self, event: str, data: bytes, room: str | None, first: int, last: int) -> None:
        self.event = event
        self.data = data
        self.room = room
        self.first = first
        self.last = last
        self._packets: list[str | None] = [None, None]
        self._frames: list[bytes | None] = [None, None]

    @classmethod
    def of(cls, publication: Publication, room: str) -> PreparedMessage:
        """Prepare a publication of a room's log."""
        return cls(publication.event, publication.data, room, publication.first, publication.last)

    @classmethod
    def volatile(cls, event: str, data: bytes) -> PreparedMessage:
        """Prepare an event that is not logged; both variants are the same."""
        return cls(event, data, None, 0, 0)

    def packet(self, with_position: bool) -> str:
        """Return the Engine.IO packet, `42["job:progress",{…},"5@job:1"]`."""
        variant = with_position and self.room is not None
        packet = self._packets[variant]
        if packet is None:
            packet = self._packets[variant] = self._encode(variant).decode()
        return packet

    def frame(self, with_position: bool) -> bytes:
        """Return the packet as an unmasked WebSocket text frame."""
        variant = with_position and self.room is not None
        frame = self._frames[variant]
        if frame is None:
            frame = self._frames[variant] = encode_frame(TEXT, self._encode(variant))
        return frame

    def _encode(self, with_position: bool) -> bytes:
        event = _encode_json(self.event)
        if with_position:
            return b"42[%b,%b,%b]" % (event, self.data, _encode_json(self._position()))
        return b"42[%b,%b]" % (event, self.data)

    def _position(self) -> str:
        span = f"{self.last}" if self.first == self.last else f"{self.first}-{self.last}"
        return f"{span}@{self.room}"


class PreparedBatch:
    """Prepared messages that are written together, in order.

    Attributes:
        messages: the messages.
    """

    __slots__ = ("_frames", "messages")

    def __init__(self, messages: Sequence[PreparedMessage]) -> None:
        self.messages = messages
        self._frames: list[bytes | None] = [None, None]

    def frames(self, with_positions: bool) -> bytes:
        """Return the frames of all messages, joined once for all recipients."""
        frames = self._frames[with_positions]
        if frames is None:
            parts = [message.frame(with_positions) for message in self.messages]
            frames = self._frames[with_positions] = parts[0] if len(parts) == 1 else b"".join(parts)
        return frames
