"""Computes what each route answers, from all nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from longwire.admin.cluster import Cluster, Topic
from longwire.admin.connections import MAX_ROWS, ConnectionRows, Connections, find_lags
from longwire.admin.history import History
from longwire.admin.node import NodeView, new_name, unknown_node
from longwire.admin.paging import InvalidQuery, Query
from longwire.admin.recorder import Recorder
from longwire.admin.rooms import Redact, RoomReaders, RoomRows, Rooms, RoomsQuery
from longwire.admin.trace import Trace, TraceRequest
from longwire.admin.views import (
    AuditView,
    Connection,
    ConnectionsView,
    ConnectionView,
    ConsumersView,
    ContractsView,
    ContractVersion,
    EntryState,
    HealthRow,
    HealthView,
    JobsView,
    MessageView,
    Node,
    NodesView,
    Overview,
    Parked,
    Room,
    RoomsView,
    RoomView,
    Sample,
    TraceView,
)
from longwire.errors import InvalidRoom, LongwireError
from longwire.jobs import JobState
from longwire.record import Record
from longwire.server import Server

JOB_COLUMNS: Final = (
    "jobId",
    "status",
    "title",
    "owner",
    "attempt",
    "progress",
    "cost",
    "createdAt",
    "updatedAt",
)
"""The columns that jobs can be sorted by: the others have no order."""


class UnknownConnection(LongwireError):
    """No node that answered has this connection."""

    code = "unknown_connection"


class NodeAnswer(Record):
    """A node and, for the overview, its samples."""

    node: Node
    samples: list[Sample]


class Answers:
    """Answers the requests of the admin interface, with all nodes.

    Args:
        server: this node.
        redact: what operators see of payloads.
        allow_actions: whether actions are allowed.
    """

    def __init__(self, server: Server, redact: Redact, allow_actions: bool) -> None:
        self._server = server
        self._allow_actions = allow_actions
        self.name = new_name()
        self.history = History(server)
        self._node = NodeView(server, self.name, self.history)
        self._connections = Connections(server, self.name)
        self._rooms = Rooms(server, self.name, redact)
        self.recorder = Recorder(server)
        self._trace = Trace(server, self.name, self.recorder)
        self._cluster = Cluster(server.nodes, self.name)
        self._last_known: dict[str, Node] = {}
        self._nodes: Topic[bool, NodeAnswer] = Topic("node", bool, NodeAnswer, self._answer_node)
        self._page: Topic[Query, ConnectionRows] = Topic(
            "connections", Query, ConnectionRows, self._connections.page
        )
        self._one: Topic[str, ConnectionView | None] = Topic(
            "connection", str, ConnectionView | None, self._answer_connection
        )
        self._room_page: Topic[RoomsQuery, RoomRows] = Topic(
            "rooms", RoomsQuery, RoomRows, self._rooms.page
        )
        self._readers: Topic[str, RoomReaders] = Topic(
            "readers", str, RoomReaders, self._rooms.readers
        )
        self._health: Topic[None, HealthRow] = Topic(
            "health", None, HealthRow, lambda _: self._node.health()
        )
        self._contracts: Topic[None, list[ContractVersion]] = Topic(
            "contracts", None, list[ContractVersion], lambda _: self._node.contracts()
        )
        self._begin_trace: Topic[TraceRequest | None, bool] = Topic(
            "begin trace", TraceRequest | None, bool, self._answer_begin_trace
        )
        self._traces: Topic[None, TraceView] = Topic(
            "trace", None, TraceView, lambda _: self._answer_trace()
        )
        for topic in (
            self._begin_trace,
            self._traces,
            self._nodes,
            self._page,
            self._one,
            self._room_page,
            self._readers,
            self._health,
            self._contracts,
        ):
            self._cluster.serve(topic)

    def start(self) -> None:
        """Take samples from now on."""
        self.history.start()

    async def close(self) -> None:
        """Take no more samples, and record no more operations."""
        await self._trace.close()
        self.recorder.close()
        await self.history.close()

    # Views

    async def overview(self, operator: str) -> Overview:
        """Answer `/overview`."""
        answers, missing = await self._cluster.ask(self._nodes, True)
        return Overview(
            nodes=self._with_missing([answer.node for answer in answers], missing),
            samples={answer.node.name: answer.samples for answer in answers},
            jobs=dict(Counter(job.status for job in await self._server.jobs())),
            may_act=self._allow_actions,
            operator=operator,
        )

    async def nodes(self) -> NodesView:
        """Answer `/nodes`."""
        answers, missing = await self._cluster.ask(self._nodes, False)
        return NodesView(nodes=self._with_missing([answer.node for answer in answers], missing))

    async def connections(self, given: Mapping[str, str]) -> ConnectionsView:
        """Answer `/connections`."""
        query = Query.read(given, "-lag", _members(Connection))
        pages, missing = await self._cluster.ask(self._page, query)
        return ConnectionsView(
            connections=query.page((row for page in pages for row in page.rows), Connection),
            total=sum(page.total for page in pages),
            missing=missing,
        )

    async def connection(self, id: str) -> ConnectionView:
        """Answer `/connections/{id}`, and record the connection's operations for a while.

        Raises:
            UnknownConnection: no node that answered has it.
        """
        answers, missing = await self._cluster.ask(self._one, id)
        found = next((answer for answer in answers if answer is not None), None)
        if found is None:
            late = f"; {', '.join(missing)} did not answer" if missing else ""
            raise UnknownConnection(f"no node has a connection {id[:100]!r}{late}")
        return found

    async def rooms(self, given: Mapping[str, str]) -> RoomsView:
        """Answer `/rooms`."""
        query = Query.read(given, "-readers", _members(Room))
        wanted = RoomsQuery(query=query, prefix=given.get("prefix", ""))
        pages, missing = await self._cluster.ask(self._room_page, wanted)
        rows = [row for page in pages for row in page.rows]
        if len(pages) > 1:
            # A room may be on the page of one node and not on that of another: ask for its numbers.
            names = sorted({row.name for row in rows})
            again = RoomsQuery(query=Query(sort="name", limit=len(names) or 1), names=names)
            named, _ = await self._cluster.ask(self._room_page, again)
            rows = _combine(row for page in named for row in page.rows)
        return RoomsView(
            rooms=query.page(rows, Room),
            total=sum(page.total for page in pages),
            missing=missing,
        )

    async def room(self, name: str, given: Mapping[str, str]) -> RoomView:
        """Answer `/rooms/{room}`.

        Raises:
            InvalidRoom: the contract does not have such a room.
            BrokerUnavailable: the log cannot be read.
        """
        if not self._server.rules.is_declared(name):
            raise InvalidRoom(name, f"room {name[:100]!r} matches no pattern of the contract")
        query = Query.read(given, "name", ("name",))
        after = given.get("after", "0")
        if not after.isdigit():
            raise InvalidQuery(f"after must be an offset, got {after[:50]!r}")
        log = await self._rooms.log(name, int(after), query.limit)
        answers, missing = await self._cluster.ask(self._readers, name)
        found = _combine(answer.room for answer in answers if answer.room is not None)
        room = found[0] if found else _empty(name)
        readers = [reader for answer in answers for reader in answer.readers]
        readers.sort(key=lambda reader: (-reader.lag, reader.user))
        return RoomView(
            room=_at(room, log.end.epoch, log.end.offset),
            first=log.entries[0].first if log.entries else None,
            size=sum(entry.size for entry in log.entries),
            entries=log.entries,
            is_complete=log.is_complete,
            readers=readers[:MAX_ROWS],
            missing=missing,
        )

    async def jobs(self, given: Mapping[str, str]) -> JobsView:
        """Answer `/jobs`."""
        query = Query.read(given, "-updatedAt", JOB_COLUMNS)
        status = given.get("status", "")
        jobs = [
            job
            for job in await self._server.jobs()
            if (not status or job.status == status)
            and query.matches(job.job_id, job.title, job.owner)
        ]
        page = [replace(job, result=None) for job in query.page(jobs, JobState)]
        return JobsView(jobs=page, total=len(jobs))

    async def contracts(self) -> ContractsView:
        """Answer `/contracts`."""
        answers, _ = await self._cluster.ask(self._contracts, None)
        versions: dict[str, ContractVersion] = {}
        for row in (row for answer in answers for row in answer):
            known = versions.get(row.fingerprint)
            versions[row.fingerprint] = ContractVersion(
                fingerprint=row.fingerprint,
                is_server=row.is_server or (known is not None and known.is_server),
                connections=row.connections + (known.connections if known else 0),
                sign_ins=row.sign_ins + (known.sign_ins if known else 0),
            )
        ordered = sorted(versions.values(), key=lambda row: (-row.connections, row.fingerprint))
        return ContractsView(versions=ordered, options=self._node.options())

    async def health(self) -> HealthView:
        """Answer `/health`."""
        rows, missing = await self._cluster.ask(self._health, None)
        return HealthView(nodes=sorted(rows, key=lambda row: row.node), missing=missing)

    async def audit(self, given: Mapping[str, str]) -> AuditView:
        """Answer `/audit`."""
        query = Query.read(given, "-at", ("at",))
        return AuditView(actions=await self._server.actions(query.limit))

    async def trace(self) -> TraceView:
        """Answer `/trace`."""
        found, missing = await self._cluster.ask(self._traces, None)
        newest = max(found, key=lambda view: (view.is_active, view.ends_at))
        steps = [step for view in found for step in view.steps]
        steps.sort(key=lambda step: step.at, reverse=True)
        return replace(newest, steps=steps[:MAX_ROWS], missing=missing)

    async def begin_trace(self, request: TraceRequest | None) -> None:
        """Follow a user or a room on all nodes; None ends the trace."""
        await self._cluster.ask(self._begin_trace, request)

    async def message(self, room: str, given: Mapping[str, str]) -> MessageView:
        """Answer `/trace?room=…&offset=…`.

        Raises:
            InvalidQuery: the offset is not valid.
            InvalidRoom: the contract does not have such a room.
            BrokerUnavailable: the log cannot be read.
        """
        text = given.get("offset", "")
        if not text.isdigit() or int(text) < 1:
            raise InvalidQuery(f"offset must be a number from 1, got {text[:50]!r}")
        offset = int(text)
        view = await self.room(room, {"limit": "1", "after": str(offset - 1)})
        entry = view.entries[0] if view.entries else None
        if offset > view.room.end:
            state: EntryState = "not_yet"
        elif entry is None or offset < entry.first:
            state, entry = "gone", None
        else:
            state = "retained" if entry.first == entry.last else "merged"
        waiting = [reader for reader in view.readers if reader.offset < offset]
        return MessageView(
            room=room,
            offset=offset,
            state=state,
            entry=entry,
            delivered=0 if state == "not_yet" else view.room.readers - len(waiting),
            waiting=waiting,
            missing=view.missing,
        )

    async def consumers(self, given: Mapping[str, str]) -> ConsumersView:
        """Answer `/consumers`."""
        query = Query.read(given, "-at", ("at", "consumer", "event", "room", "attempts"))
        parked = [
            Parked(
                id=event.id,
                consumer=event.consumer,
                event=event.event,
                room=event.room,
                position=event.position,
                error=event.error,
                attempts=event.attempts,
                at=event.parked_at,
                is_retrying=event.is_retrying,
            )
            for event in await self._server.parked()
            if query.matches(event.consumer, event.event, event.room, event.error)
        ]
        return ConsumersView(
            consumers=self._server.consumers,
            parked=query.page(parked, Parked),
            total=len(parked),
        )

    def _with_missing(self, found: list[Node], missing: list[str]) -> list[Node]:
        """Return all nodes by name, late ones as they were last known."""
        late = [
            replace(self._last_known.get(name) or unknown_node(name), is_missing=True)
            for name in missing
        ]
        nodes = sorted([*found, *late], key=lambda node: node.name)
        self._last_known = {node.name: node for node in nodes}
        return nodes

    # The answers of this node

    def _answer_node(self, with_samples: bool) -> NodeAnswer:
        samples: list[Sample] = []
        if with_samples:
            samples = self.history.samples
            samples.append(self.history.sample(self.history.loop_delay))
        return NodeAnswer(node=self._node.node(), samples=samples)

    def _answer_begin_trace(self, request: TraceRequest | None) -> bool:
        if request is None:
            self._trace.stop()
        else:
            self._trace.begin(request)
        return True

    def _answer_trace(self) -> TraceView:
        request = self._trace.request
        return TraceView(
            is_active=request is not None,
            type=None if request is None else request.type,
            entity=None if request is None else request.entity,
            ends_at=self._trace.ends_at,
            steps=self._trace.steps,
            missing=[],
        )

    def _answer_connection(self, id: str) -> ConnectionView | None:
        socket = self._connections.find(id)
        if socket is None:
            return None
        operations = self.recorder.watch(socket)
        expires_at = socket.identity.expires_at
        lag = find_lags(self._server).get(socket, 0)
        return ConnectionView(
            connection=self._connections.describe(socket, lag),
            cursors=self._connections.cursors(socket),
            operations=operations,
            token_expires_at=None if expires_at is None else int(expires_at * 1000),
        )


def _members(row: type[Record]) -> tuple[str, ...]:
    return row.__struct_encode_fields__


def _combine(rows: Iterable[Room]) -> list[Room]:
    """Add up the rows of the same room on several nodes."""
    combined: dict[str, Room] = {}
    for row in rows:
        known = combined.get(row.name)
        combined[row.name] = row if known is None else _add(known, row)
    return list(combined.values())


def _add(one: Room, other: Room) -> Room:
    newest = max(one, other, key=lambda row: row.end)
    return Room(
        name=one.name,
        epoch=newest.epoch,
        end=newest.end,
        readers=one.readers + other.readers,
        lagging=one.lagging + other.lagging,
        max_lag=max(one.max_lag, other.max_lag),
    )


def _empty(name: str) -> Room:
    return Room(name=name, epoch="", end=0, readers=0, lagging=0, max_lag=0)


def _at(room: Room, epoch: str, end: int) -> Room:
    return Room(
        name=room.name,
        epoch=epoch,
        end=end,
        readers=room.readers,
        lagging=room.lagging,
        max_lag=room.max_lag,
    )
