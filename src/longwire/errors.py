"""Everything that Longwire raises, in one tree.

    LongwireError
    ├── ProtocolError                a rule of Engine.IO, Socket.IO or WebSocket was broken
    │   ├── LocalProtocolError       … by the caller: a bug on this side
    │   └── RemoteProtocolError      … by the peer: its connection is closed
    ├── ContractError                an event, room or contract is declared wrongly
    ├── InvalidEvent                 a payload does not fit its event; names the field
    ├── UnknownEvent                 the contract has no event of that name
    ├── InvalidRoom                  a room name fits no pattern of the contract, or is missing
    ├── RoomDenied                   no rule lets this user into that room
    ├── PublishDenied                somebody who is no service tried to publish
    ├── AuthenticationError          a token was refused
    ├── InvalidId                    a publish id is empty or too long
    ├── IdempotencyConflict          a publish id was used again for another body
    ├── BrokerUnavailable            the log cannot be reached now; publishing may be retried
    ├── UnsupportedBroker            a broker address names none that this installation has
    ├── LogFileError                 the file that should hold the logs cannot be used
    ├── ConnectionRefused            the server answered CONNECT_ERROR
    ├── NotConnected                 the call needs a connection and there is none
    ├── CallTimeout                  no acknowledgement came in time
    ├── CallRefused                  the acknowledgement says no
    ├── JobFinished                  the job has ended; nothing more can be said in its name
    ├── OutboxFull                   too much waits to be sent
    └── OutboxFileError              the file that should hold the outbox cannot be used

Errors carry data as attributes. `code` is the stable word that travels on the wire.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator


class LongwireError(Exception):
    """Root of every error that Longwire raises."""

    code = "error"


class ProtocolError(LongwireError):
    """A rule of a protocol was broken."""

    code = "protocol_error"


class LocalProtocolError(ProtocolError):
    """The caller broke the protocol; nothing was sent."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol; its connection is closed."""


class ContractError(LongwireError):
    """An event, room or contract is declared wrongly."""

    code = "invalid_contract"


class InvalidEvent(LongwireError):
    """A payload does not fit the event that it claims to be.

    Attributes:
        event: the event's wire name.
        path: the field at fault as a JSON path such as `$.progress`.
        detail: what is wrong with it.
    """

    code = "invalid_event"

    def __init__(self, event: str, path: str, detail: str) -> None:
        super().__init__(f"{event}: {detail} at {path}")
        self.event = event
        self.path = path
        self.detail = detail


class UnknownEvent(LongwireError):
    """The contract has no event of that name."""

    code = "unknown_event"

    def __init__(self, event: str) -> None:
        super().__init__(f"unknown event {event[:100]!r}")
        self.event = event


class InvalidRoom(LongwireError):
    """A room name fits no pattern of the contract, or the event does not tell its room."""

    code = "invalid_room"

    def __init__(self, room: str, detail: str) -> None:
        super().__init__(detail)
        self.room = room


class RoomDenied(LongwireError):
    """No rule lets this user into that room."""

    code = "forbidden"

    def __init__(self, room: str) -> None:
        super().__init__(f"not allowed in room {room[:200]!r}")
        self.room = room


class PublishDenied(LongwireError):
    """Somebody who is no service tried to publish."""

    code = "forbidden"

    def __init__(self) -> None:
        super().__init__(
            "only services may publish: the token needs the scope 'service', "
            "as `longwire token --service` gives it"
        )


class AuthenticationError(LongwireError):
    """A token was refused.

    Attributes:
        code: `token_missing`, `token_invalid`, `token_expired`, or the application's own word.
    """

    def __init__(self, message: str, code: str = "token_invalid") -> None:
        super().__init__(message)
        self.code = code


class InvalidId(LongwireError):
    """A publish id is empty or too long; nothing was appended."""

    code = "invalid_id"


class IdempotencyConflict(LongwireError):
    """A publish id was used again, within its window, for another body."""

    code = "idempotency_conflict"

    def __init__(self, room: str, id: str) -> None:
        super().__init__(f"id {id!r} was already used in room {room!r} for another event")
        self.room = room
        self.id = id


class BrokerUnavailable(LongwireError):
    """The log cannot be reached now; nothing was appended, or it is unknown whether it was."""

    code = "broker_unavailable"


class ConnectionRefused(LongwireError):
    """The server answered CONNECT with CONNECT_ERROR; connecting again needs another token.

    Attributes:
        code: the server's `data.code`.
    """

    def __init__(self, message: str, code: str = "refused") -> None:
        super().__init__(message)
        self.code = code


class NotConnected(LongwireError):
    """The call needs a connection and there is none."""

    code = "not_connected"


class CallTimeout(LongwireError):
    """No acknowledgement came in time; whether the peer acted is unknown."""

    code = "timeout"


class CallRefused(LongwireError):
    """The peer's acknowledgement says no.

    Attributes:
        code: the peer's error code.
    """

    def __init__(self, message: str, code: str = "refused") -> None:
        super().__init__(message)
        self.code = code


class JobFinished(LongwireError):
    """The job has ended; nothing more can be said in its name."""

    code = "job_finished"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"job {job_id!r} has ended")
        self.job_id = job_id


class OutboxFull(LongwireError):
    """Too much waits to be sent or confirmed; the event was not taken.

    Attributes:
        entries: how many events wait.
        size: bytes of their payloads.
    """

    code = "outbox_full"

    def __init__(self, entries: int, size: int, event: int) -> None:
        super().__init__(
            f"no room for {event} bytes: {entries} events ({size} bytes) wait to be sent already"
        )
        self.entries = entries
        self.size = size


class UnsupportedBroker(LongwireError):
    """A broker address names no broker that this installation has.

    Attributes:
        url: the address as given, without what may be a password.
    """

    code = "unsupported_broker"

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(f"unsupported broker {url[:200]!r}: {detail}")
        self.url = url


class LogFileError(LongwireError):
    """The file that should hold the logs cannot be used; it was left as it is.

    Attributes:
        path: the file.
        detail: why: in use, foreign, corrupt, of a newer version, not accessible.
    """

    code = "log_file"

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.path = path
        self.detail = detail


class OutboxFileError(LongwireError):
    """The file that should hold what waits to be sent cannot be used; it was left as it is.

    Attributes:
        path: the file.
        detail: why: in use, foreign, not accessible, full.
        is_in_use: whether another process has it, which may end.
    """

    code = "outbox_file"

    def __init__(self, path: str, detail: str, *, is_in_use: bool = False) -> None:
        super().__init__(f"{path}: {detail}")
        self.path = path
        self.detail = detail
        self.is_in_use = is_in_use


@contextmanager
def needing(extra: str) -> Generator[None]:
    """Name the extra that brings a module which is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        error.add_note(f"longwire needs more for this: pip install 'longwire[{extra}]'")
        raise
