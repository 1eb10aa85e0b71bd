"""The exceptions that Longwire raises, in one tree.

    LongwireError
    ├── ConfigurationError           an option is invalid, or Longwire is used in a wrong place
    ├── ProtocolError                a rule of Engine.IO, Socket.IO or WebSocket was broken
    │   ├── LocalProtocolError       … by the caller: a bug on this side
    │   └── RemoteProtocolError      … by the peer: its connection is closed
    ├── ContractError                the declaration of an event, room or contract is invalid
    ├── InvalidEvent                 a payload does not match its event type
    ├── UnknownEvent                 the contract has no event of that name
    ├── InvalidRoom                  a room name matches no pattern of the contract, or is missing
    ├── RoomDenied                   no room rule admits the user
    ├── PublishDenied                no publish rule allows the event, and it is not a service
    ├── AuthenticationError          a token was rejected
    ├── InvalidId                    a publish id is empty or too long
    ├── IdempotencyConflict          a publish id was reused for a different event
    ├── BrokerUnavailable            the event log is temporarily unavailable
    ├── UnsupportedBroker            no installed broker supports the URL
    ├── LogFileError                 the file of the event logs cannot be used
    ├── ConnectionRefused            the server rejected the connection (CONNECT_ERROR)
    ├── NotConnected                 the call needs a connection
    ├── CallTimeout                  the acknowledgement did not arrive in time
    ├── CallRefused                  the acknowledgement reports an error
    ├── StaleAttempt                 a newer attempt of the job exists
    ├── JobEnded                     the job's attempt has ended
    │   └── JobFinished              … known before anything was sent
    ├── Conflict                     the value is not at the expected position
    ├── OutboxFull                   too many events wait to be sent
    └── OutboxFileError              the file of the outbox cannot be used

Errors carry their data as attributes. `code` is a stable identifier, which the server sends to
clients where the error concerns them.
"""

from collections.abc import Generator
from contextlib import contextmanager

from longwire.types import Position


class LongwireError(Exception):
    """Base class of every exception that Longwire raises."""

    code = "error"


class ConfigurationError(LongwireError, ValueError):
    """An option is invalid, or an object is used in a place where it cannot work.

    Raised where the option is set or the call is made, before anything is sent.
    """

    code = "invalid_configuration"


class ProtocolError(LongwireError):
    """A rule of Engine.IO, Socket.IO or WebSocket was broken."""

    code = "protocol_error"


class LocalProtocolError(ProtocolError):
    """The caller broke the protocol; nothing was sent."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol; its connection is closed."""


class ContractError(LongwireError):
    """The declaration of an event, room or contract is invalid."""

    code = "invalid_contract"


class InvalidEvent(LongwireError):
    """A payload does not match its event type.

    Attributes:
        event: The event's name on the wire.
        path: JSON path of the invalid field, such as `$.progress`.
        detail: The reason.
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
    """A room name matches no pattern of the contract, or the event does not determine its room."""

    code = "invalid_room"

    def __init__(self, room: str, detail: str) -> None:
        super().__init__(detail)
        self.room = room


class RoomDenied(LongwireError):
    """No room rule admits the user."""

    code = "forbidden"

    def __init__(self, room: str) -> None:
        super().__init__(f"not allowed in room {room[:200]!r}")
        self.room = room


class PublishDenied(LongwireError):
    """The token lacks the `service` scope, and no publish rule allows the user this event."""

    code = "forbidden"

    def __init__(
        self,
        message: str = (
            "publishing requires a token with the scope 'service'; "
            "`longwire token --service` creates one"
        ),
    ) -> None:
        super().__init__(message)


class AuthenticationError(LongwireError):
    """A token was rejected.

    Attributes:
        code: `token_missing`, `token_invalid`, `token_expired`, or a code of the application.
    """

    def __init__(self, message: str, code: str = "token_invalid") -> None:
        super().__init__(message)
        self.code = code


class InvalidId(LongwireError):
    """A publish id is empty or too long; nothing was appended."""

    code = "invalid_id"


class IdempotencyConflict(LongwireError):
    """A publish id was reused for a different event within five minutes; nothing was appended."""

    code = "idempotency_conflict"

    def __init__(self, room: str, id: str) -> None:
        super().__init__(f"id {id!r} was already used in room {room!r} for a different event")
        self.room = room
        self.id = id


class BrokerUnavailable(LongwireError):
    """The event log is temporarily unavailable; whether the event was appended is unknown.

    Retry later, with the same id so that the event is appended once.

    Attributes:
        is_permanent: Whether waiting does not help, because the address or the password is wrong.
            A server that starts then does not try again.
    """

    code = "broker_unavailable"

    def __init__(self, message: str, *, is_permanent: bool = False) -> None:
        super().__init__(message)
        self.is_permanent = is_permanent


class ConnectionRefused(LongwireError):
    """The server rejected the connection (CONNECT_ERROR); connecting again needs another token.

    Attributes:
        code: The reason, from the server's `data.code`.
    """

    def __init__(self, message: str, code: str = "refused") -> None:
        super().__init__(message)
        self.code = code


class NotConnected(LongwireError):
    """The call needs a connection, and there is none."""

    code = "not_connected"


class CallTimeout(LongwireError):
    """The acknowledgement did not arrive in time; whether the peer acted is unknown."""

    code = "timeout"


class CallRefused(LongwireError):
    """The peer's acknowledgement reports an error.

    Attributes:
        code: The peer's error code.
    """

    def __init__(self, message: str, code: str = "refused") -> None:
        super().__init__(message)
        self.code = code


class ConditionFailed(LongwireError):
    """A condition of a publication does not hold, so nothing was appended.

    Attributes:
        room: The room of the publication, where the server knows it.
    """

    room: str | None = None


class StaleAttempt(ConditionFailed):
    """A newer attempt of the job exists, or another worker runs this attempt.

    The log refused the append, so the output and the end of a job come from one attempt only.

    Attributes:
        attempt: The number of the current attempt.
    """

    code = "stale_attempt"

    def __init__(self, attempt: int) -> None:
        super().__init__(f"another worker took over the job: its current attempt is {attempt}")
        self.attempt = attempt


class JobEnded(ConditionFailed):
    """The job's attempt has ended; only a new attempt can continue the job."""

    code = "job_ended"

    def __init__(self, message: str = "the job has ended; start a new attempt") -> None:
        super().__init__(message)


class JobFinished(JobEnded):
    """The job has already ended; it publishes nothing more."""

    code = "job_finished"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"job {job_id!r} has already ended")
        self.job_id = job_id


class Conflict(ConditionFailed):
    """Compare-and-set failed: someone else changed the value first.

    Attributes:
        position: The position of the current value; None if there is none.
        value: The current value as plain JSON data; None if there is none.
    """

    code = "conflict"

    def __init__(self, position: Position | None, value: object) -> None:
        where = "does not exist" if position is None else f"is at {position}"
        super().__init__(f"the value {where}, not at the expected position; read it and try again")
        self.position = position
        self.value = value


class OutboxFull(LongwireError):
    """Too many events wait to be sent or confirmed; the new one was not queued.

    Attributes:
        entries: Number of waiting events.
        size: Total size of their payloads in bytes.
    """

    code = "outbox_full"

    def __init__(self, entries: int, size: int, event: int) -> None:
        super().__init__(
            f"cannot queue {event} bytes: {entries} events ({size} bytes) already wait to be sent"
        )
        self.entries = entries
        self.size = size


class UnsupportedBroker(LongwireError):
    """No installed broker supports the URL.

    Attributes:
        url: The URL, without its password.
    """

    code = "unsupported_broker"

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(f"unsupported broker {url[:200]!r}: {detail}")
        self.url = url


class LogFileError(LongwireError):
    """The file of the event logs cannot be used; it was not changed.

    Attributes:
        path: The file.
        detail: The reason: in use, not a Longwire file, corrupt, of a newer version, inaccessible.
    """

    code = "log_file"

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.path = path
        self.detail = detail


class OutboxFileError(LongwireError):
    """The file of the outbox cannot be used; it was not changed.

    Attributes:
        path: The file.
        detail: The reason: in use, not a Longwire file, inaccessible, full.
        is_in_use: Whether another process uses it; retry after that process has ended.
    """

    code = "outbox_file"

    def __init__(self, path: str, detail: str, *, is_in_use: bool = False) -> None:
        super().__init__(f"{path}: {detail}")
        self.path = path
        self.detail = detail
        self.is_in_use = is_in_use


@contextmanager
def needing(extra: str) -> Generator[None]:
    """Add the name of the missing extra to a `ModuleNotFoundError`."""
    try:
        yield
    except ModuleNotFoundError as error:
        error.add_note(f"install the missing dependencies: pip install 'longwire[{extra}]'")
        raise
