"""The answers of the admin interface: one page of one view each, as JSON.

Times are milliseconds since the Unix epoch, durations seconds, sizes bytes. Counters have grown
since the node started, which `since` tells.
"""

from __future__ import annotations

from typing import Literal

from longwire.jobs import JobState
from longwire.record import Record
from longwire.server import Action
from longwire.server.consumers.delivery import ConsumerStatus
from longwire.types import Position

ConnectionState = Literal["ok", "lagging", "stalled"]

Direction = Literal["in", "out"]

TraceType = Literal["user", "room"]

StepKind = Literal["in", "out", "written"]

EntryState = Literal["retained", "merged", "gone", "not_yet"]


class Sample(Record):
    """The counts of a node at one moment; a chart shows differences of adjacent samples.

    Attributes:
        at: the moment.
        connections: clients that were signed in.
        rooms: rooms with a member.
        published: events published since the node started.
        deliveries: deliveries since the node started.
        resumes: joins that continued at their position, since the node started.
        resets: joins whose position was gone, since the node started.
        loop_delay: seconds by which the node's event loop was late.
    """

    at: int
    connections: int
    rooms: int
    published: int
    deliveries: int
    resumes: int
    resets: int
    loop_delay: float


class Node(Record):
    """One process that serves clients.

    Attributes:
        name: host, process and a random suffix.
        is_missing: whether it did not answer in time; then all other members are the last known.
        is_draining: whether it is stopping.
        version: the version of Longwire.
        since: when it started.
        connections: clients that are signed in.
        users: different users among them.
        sessions: connections, signed in or not.
        rooms: rooms with a member.
        lagging: members of rooms that are behind the end of a log.
        cpu: CPU seconds used since the process started.
        memory: resident memory.
        loop_delay: seconds by which its event loop was late in the newest sample.
        broker_delay: seconds that the broker took to answer.
        contract: the fingerprint of its contract.
        published: events published since it started, by name.
        refused: refused publications since it started, by error code.
        deliveries: events written to a member of a room.
        replayed: entries, or frames of several, that were read from a log for a member.
        resumes: joins that continued at their position.
        resets: joins whose position was gone.
        signed_in: sign-ins.
        refused_sign_ins: refused sign-ins by error code.
        closed: ended connections by reason.
    """

    name: str
    is_missing: bool = False
    is_draining: bool = False
    version: str
    since: int
    connections: int
    users: int
    sessions: int
    rooms: int
    lagging: int
    cpu: float
    memory: int
    loop_delay: float
    broker_delay: float | None
    contract: str
    published: dict[str, int]
    refused: dict[str, int]
    deliveries: int
    replayed: int
    resumes: int
    resets: int
    signed_in: int
    refused_sign_ins: dict[str, int]
    closed: dict[str, int]


class NodesView(Record):
    """`/nodes`: every node, by name."""

    nodes: list[Node]


class Overview(Record):
    """`/overview`: all nodes together.

    Attributes:
        nodes: the nodes; their sums are for the reader to make.
        samples: the last 15 minutes of each node, oldest first, by its name.
        jobs: the newest jobs by status.
        may_act: whether actions are allowed.
        operator: the name under which actions are recorded.
    """

    nodes: list[Node]
    samples: dict[str, list[Sample]]
    jobs: dict[str, int]
    may_act: bool
    operator: str


class Connection(Record):
    """A client that is signed in.

    Attributes:
        id: the public id of the connection.
        user: the user.
        is_service: whether it is a service.
        node: the node it is connected to.
        transport: `websocket` or `polling`.
        address: its address, with the host part masked.
        contract: the fingerprint that it was built for, if that is not the server's.
        since: when it signed in.
        round_trip: seconds of the newest heartbeat; None before the first.
        rooms: how many rooms it is in.
        lag: entries that it is behind, in its worst room.
        state: `stalled` if its transport is full, `lagging` if it is behind in a room.
    """

    id: str
    user: str
    is_service: bool
    node: str
    transport: str
    address: str
    contract: str | None
    since: int
    round_trip: float | None
    rooms: int
    lag: int
    state: ConnectionState


class ConnectionsView(Record):
    """`/connections`: one page, and how many there are in all that match."""

    connections: list[Connection]
    total: int
    missing: list[str]


class Cursor(Record):
    """How far a connection has read a room."""

    room: str
    offset: int
    end: int
    lag: int
    is_live: bool


class Operation(Record):
    """Something that a connection did or received, while an operator was watching it.

    Attributes:
        at: when.
        direction: `in` from the client, `out` to it.
        event: the event's name.
        room: the room of a logged event.
        size: bytes of the payload.
        offset: the offset of a logged event.
    """

    at: int
    direction: Direction
    event: str
    room: str | None
    size: int
    offset: int | None


class ConnectionView(Record):
    """`/connections/{id}`: one connection.

    Attributes:
        connection: the connection.
        cursors: its place in each of its rooms, the worst first; at most 500.
        operations: the newest 200 operations since an operator opened this view, newest first.
        token_expires_at: when its token expires; None if it does not.
    """

    connection: Connection
    cursors: list[Cursor]
    operations: list[Operation]
    token_expires_at: int | None


class Room(Record):
    """A room that has a member on some node.

    Attributes:
        name: the room.
        epoch: the incarnation of its log.
        end: the newest offset.
        readers: members on all nodes.
        lagging: members that are behind the end.
        max_lag: entries that the last of them is behind.
    """

    name: str
    epoch: str
    end: int
    readers: int
    lagging: int
    max_lag: int


class RoomsView(Record):
    """`/rooms`: one page, and how many there are in all that match."""

    rooms: list[Room]
    total: int
    missing: list[str]


class LogEntry(Record):
    """An entry of a log, or a frame of several, as a late joiner would receive it.

    Attributes:
        first: the first offset that it stands for.
        last: the last one.
        event: the event's name.
        slot: entries with the same slot replace or join each other.
        at: when the newest of its entries was appended.
        size: bytes of the payload.
        payload: the payload, as the rule of the application shows it; None if the rule hides it,
            or if it is too long to show.
    """

    first: int
    last: int
    event: str
    slot: str | None
    at: int
    size: int
    payload: object


class Reader(Record):
    """A member of a room."""

    connection: str
    user: str
    node: str
    offset: int
    lag: int
    is_live: bool


class RoomView(Record):
    """`/rooms/{room}`: one room.

    Attributes:
        room: the room; its numbers of readers are those of all nodes.
        first: the first retained offset; None if nothing is retained.
        size: bytes of the payloads of `entries`.
        entries: the frames for a late joiner, oldest first; at most `limit`.
        is_complete: whether `entries` reach the end of the log.
        readers: members, the last first; at most 500.
        missing: the nodes that did not answer.
    """

    room: Room
    first: int | None
    size: int
    entries: list[LogEntry]
    is_complete: bool
    readers: list[Reader]
    missing: list[str]


class JobsView(Record):
    """`/jobs`: one page of jobs without their output and result, and how many match in all."""

    jobs: list[JobState]
    total: int


class ContractVersion(Record):
    """Clients that were built for one contract."""

    fingerprint: str
    is_server: bool
    connections: int
    sign_ins: int


class ContractsView(Record):
    """`/contracts`: clients by contract, and the effective options with secrets left out."""

    versions: list[ContractVersion]
    options: dict[str, object]


class AuditView(Record):
    """`/audit`: the newest actions of operators, newest first."""

    actions: list[Action]


class ClientReports(Record):
    """The newest reports of the connected clients of one library, version and transport.

    Clients send them if they opted in (`client:health`). Counts are since the clients were created.

    Attributes:
        client: the library; empty in the row of all combinations beyond the first 50.
        version: its version; empty in that row.
        transport: the transport; None in that row, or if a client did not name it.
        reports: how many clients reported.
        quality: how many of them have each quality.
        drops: connections that they lost.
        reconnects: connections that followed a lost one.
        resumed: rooms that continued at their position.
        reset: rooms that had to be read again: these readers may have lost entries.
        round_trip_ms: median of their median round trips.
        recovery_ms: median of their median times from a loss to the next connection.
    """

    client: str
    version: str
    transport: str | None
    reports: int
    quality: dict[str, int]
    drops: int
    reconnects: int
    resumed: int
    reset: int
    round_trip_ms: int | None
    recovery_ms: int | None


class HealthRow(Record):
    """How connections of one node fare.

    Attributes:
        node: the node.
        signed_in: sign-ins since it started.
        refused: refused sign-ins by error code.
        closed: ended connections by reason.
        resumes: joins that continued at their position.
        resets: joins whose position was gone: those readers may have lost entries.
        loop_delay: seconds by which its event loop is late.
        broker_delay: seconds that the broker takes to answer.
        round_trip_p50: median seconds of the newest heartbeat of its connections.
        round_trip_p99: the 99th percentile of the same.
        lagging: members of rooms that are behind.
        reports: the reports of its clients, most clients first.
    """

    node: str
    signed_in: int
    refused: dict[str, int]
    closed: dict[str, int]
    resumes: int
    resets: int
    loop_delay: float
    broker_delay: float | None
    round_trip_p50: float | None
    round_trip_p99: float | None
    lagging: int
    reports: list[ClientReports]


class HealthView(Record):
    """`/health`: which connections cannot stay, what they lost, and whose fault it is."""

    nodes: list[HealthRow]
    missing: list[str]


class Step(Record):
    """Something that a trace saw on one node.

    Attributes:
        at: when, by the clock of that node.
        node: the node.
        kind: `in` from the user's client, `out` to it, or `written` to the members of the room.
        connection: the public id of the user's connection.
        event: the event's name.
        room: the room of a logged event.
        offset: its offset in the log.
        size: bytes of the payload.
        delivered: for `written`: members of this node at the end of the log, which received it.
        behind: for `written`: members of this node that receive it later, perhaps merged.
    """

    at: int
    node: str
    kind: StepKind
    connection: str | None = None
    event: str
    room: str | None = None
    offset: int | None = None
    size: int
    delivered: int | None = None
    behind: int | None = None


class TraceView(Record):
    """`/trace`: what the trace that runs, or the last one, has seen; newest first.

    Attributes:
        is_active: whether it runs.
        type: whether it follows a user or a room; None before the first trace.
        entity: the user or the room.
        ends_at: when it ends by itself.
        steps: at most 500.
        missing: the nodes that did not answer.
    """

    is_active: bool
    type: TraceType | None
    entity: str | None
    ends_at: int
    steps: list[Step]
    missing: list[str]


class MessageView(Record):
    """`/trace?room=…&offset=…`: where one message is.

    Attributes:
        room: the room.
        offset: the offset of the message.
        state: `retained` in the log; `merged` if another entry stands for it, or retention has
            dropped it; `gone` if the log has nothing after it; or `not_yet` published.
        entry: the entry that stands for it, if it is `retained` or `merged`.
        delivered: readers that have passed it.
        waiting: readers that have yet to receive it, the last first; at most 500.
        missing: the nodes that did not answer.
    """

    room: str
    offset: int
    state: EntryState
    entry: LogEntry | None
    delivered: int
    waiting: list[Reader]
    missing: list[str]


class Parked(Record):
    """An event that a consumer could not handle; its payload is not shown.

    Attributes:
        id: identifies it, also across redeliveries.
        consumer: the consumer.
        event: the event's name.
        room: the room.
        position: its position in the log of the room.
        error: the type and the message of the last exception.
        attempts: how often the handler was called with it.
        at: when it was parked.
        is_retrying: whether another attempt is under way.
    """

    id: str
    consumer: str
    event: str
    room: str
    position: Position
    error: str
    attempts: int
    at: int
    is_retrying: bool


class ConsumersView(Record):
    """`/consumers`: the consumers, and the newest parked events; at most `limit`."""

    consumers: list[ConsumerStatus]
    parked: list[Parked]
    total: int
