"""The jobs of a server, behind one object."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal
from uuid import UUID

from msgspec import UnsetType
from msgspec.structs import replace

from longwire.broker import Broker
from longwire.catalog import JobCancel, JobCreated, JobStatusChanged
from longwire.errors import (
    ConfigurationError,
    ContractError,
    IdempotencyConflict,
    JobEnded,
    StaleAttempt,
)
from longwire.jobs import Job, JobHost, JobState
from longwire.log.condition import Condition, Fence
from longwire.schema import Contract, Encoded, Event
from longwire.server.access.authentication import Identity
from longwire.server.access.rules import RoomRules
from longwire.server.clients.socket import Socket
from longwire.server.jobs.access import JobAccess
from longwire.server.jobs.appends import JobAppends
from longwire.server.jobs.fences import condition_of
from longwire.server.jobs.leases import Leases
from longwire.server.jobs.registry import ROOM_PREFIX, JobRegistry, is_unclaimed
from longwire.server.jobs.running import RunningJobs
from longwire.server.rooms.hub import Hub
from longwire.types import Position
from longwire.wire import Ack


class ServerJobs:
    """Creates, lists and cancels jobs, and reacts to what is appended to their rooms.

    Every publication to a job's room renews the job's lease. `job:created` is also announced to
    the job's owner, and removes members who may no longer watch the job.

    Args:
        host: publishes the events of jobs.
        broker: stores the logs.
        hub: the rooms of this node.
        rules: decide who may watch and cancel a job.
        contract: decodes the logs.
        start: starts the server unless it is running.
        shared_jobs: whether every signed-in user may watch a job without an owner.
        survey_interval: see `Leases`.
    """

    def __init__(
        self,
        host: JobHost,
        broker: Broker,
        hub: Hub,
        rules: RoomRules,
        contract: Contract,
        start: Callable[[], Awaitable[None]],
        *,
        shared_jobs: bool,
        survey_interval: float,
    ) -> None:
        self._host = host
        self._rules = rules
        self._contract = contract
        self._start = start
        self._shared_jobs = shared_jobs
        self._registry = JobRegistry(broker, contract, shared_jobs=shared_jobs)
        self._running = RunningJobs(hub, contract, start)
        self.leases = Leases(
            self._registry,
            host,
            self._running.is_running,
            is_shared=broker.is_shared,
            survey_interval=survey_interval,
        )
        self._access = JobAccess(hub, rules)
        self._appends = JobAppends(broker, self._observe, self._react, self._excuse)

    async def start(self) -> None:
        """Find the leases of unfinished jobs."""
        await self.leases.start()

    def serve(self) -> None:
        """Start the leases, when workers can reach the server."""
        self.leases.serve()

    async def interrupt(self) -> None:
        """Interrupt the jobs whose workers run in this process, and wait until they have ended."""
        await self._running.close()

    async def close(self) -> None:
        """Stop watching leases, and wait for the publications that are under way."""
        await self.leases.close()
        await self._registry.close()
        await self._appends.close()

    def create(
        self,
        *,
        owner: str | UUID | None,
        title: str | None,
        job_id: str | UUID | None,
        attempt: int | None,
        lease: float,
    ) -> Job:
        """Return a job that runs in this process; see `Server.job`."""
        if JobCreated not in self._contract.events.values():
            raise ContractError(
                "the contract lacks the events of jobs: "
                "use Server(contract=CATALOG | Contract([…]))"
            )
        return self._running.add(
            Job(self._host, job_id, owner, title, attempt=attempt, lease=lease)
        )

    async def state(self, job_id: str) -> JobState | None:
        """Return a job's state with its output; see `Server.job_state`."""
        await self._start()
        return await self._registry.state(job_id)

    async def summaries(self, identity: Identity | None) -> list[JobState]:
        """Return the jobs that `identity` may watch; see `Server.jobs`."""
        await self._start()
        return await self._registry.summaries(identity)

    async def is_allowed(self, identity: Identity, parameters: Mapping[str, str]) -> bool:
        """Return whether `identity` may join `job:{job_id}`: the default rule of that pattern."""
        return await self._registry.is_allowed(identity, parameters["job_id"])

    async def cancel(self, job_id: str, reason: str | None) -> Position:
        """Publish a request to cancel; see `Server.cancel_job`."""
        await self._start()
        await self._registry.check_running(job_id)
        return await self._host.publish(JobCancel(job_id=job_id, reason=reason))

    async def cancel_for_client(self, event: JobCancel, socket: Socket) -> object:
        """Handle `job:cancel` of a client: everyone who may watch a job may cancel it."""
        await self._rules.check(socket.identity, ROOM_PREFIX + event.job_id)
        await self.cancel(event.job_id, event.reason)
        return Ack()

    def on_cancel(self, job_id: str, callback: Callable[[JobCancel], None]) -> Callable[[], None]:
        """Call `callback` for each request to cancel; see `JobHost.on_cancel`."""
        return self._running.listen(job_id, callback)

    async def append(
        self,
        room: str,
        encoded: Encoded,
        id: str | None,
        attempt: int | Literal["next"] | None,
        expect: Position | UnsetType | None,
    ) -> tuple[str, Position, int | None]:
        """Append a publication to a job's room and react to it; return room, position and attempt.

        `job:created` begins an attempt: for the calling worker if `attempt` is given, else for a
        worker that is still to come. If it names no title or owner, it is appended with those
        that the job has. The end of a job that no worker published ends the current attempt.

        Raises:
            InvalidRoom: the owner cannot be a user's id.
            Exception: everything that `Broker.publish` raises.
        """
        event = encoded.payload
        if isinstance(event, JobCreated) and room == ROOM_PREFIX + event.job_id:
            created = await self._registry.complete(event)
            if attempt == "next":
                return await self._begin_next(room, encoded, created, id, expect)
            number = created.attempt if attempt is None else attempt
            encoded = self._renumber(encoded, created, number)
            attempt = None if attempt is None else number
            position = await self._append(room, encoded, id, attempt, expect)
            return room, position, number
        if attempt == "next":
            raise ConfigurationError('attempt="next" begins an attempt: publish job:created')
        return room, await self._append(room, encoded, id, attempt, expect), attempt

    async def _begin_next(
        self,
        room: str,
        encoded: Encoded,
        created: JobCreated,
        id: str | None,
        expect: Position | UnsetType | None,
    ) -> tuple[str, Position, int | None]:
        """Begin the next attempt for a worker."""
        number = await self._registry.next_attempt(created.job_id)
        while True:
            try:
                attempt = self._renumber(encoded, created, number)
                position = await self._append(room, attempt, id, number, expect)
                return room, position, number
            except StaleAttempt as stale:
                number = stale.attempt + 1
            except IdempotencyConflict:
                # The caller repeats a publication that was appended with an earlier number.
                number -= 1
                if number == 0:
                    raise

    def _renumber(self, encoded: Encoded, created: JobCreated, number: int) -> Encoded:
        created = replace(created, attempt=number)
        if created == encoded.payload:
            return encoded
        return self._contract.encode(created, created.timestamp)

    def _append(
        self,
        room: str,
        encoded: Encoded,
        id: str | None,
        attempt: int | None,
        expect: Position | UnsetType | None,
    ) -> Awaitable[Position]:
        condition = condition_of(encoded.payload, room, attempt, expect)
        return self._appends.append(room, encoded, id, attempt, condition)

    def _observe(self, event: object, attempt: int | None, position: Position) -> None:
        """Renew the lease that the appended event is a sign of life for."""
        if isinstance(event, Event):
            self.leases.observe(event, attempt, position)

    async def _react(self, event: object, position: Position) -> None:
        """Announce a new job; end a job that is cancelled before a worker took it."""
        if isinstance(event, JobCreated):
            await self._access.wait_for_removals()
            await self._announce(event, position)
        elif isinstance(event, JobCancel):
            await self._withdraw(event, position)

    def _excuse(self, room: str) -> None:
        self.leases.excuse(room.removeprefix(ROOM_PREFIX))

    async def _withdraw(self, cancel: JobCancel, position: Position) -> None:
        """End a job that is cancelled before a worker took it; a worker ends its own job."""
        summary = await self._registry.summary(cancel.job_id)
        if summary is None or summary.is_complete or not is_unclaimed(summary):
            return
        status = JobStatusChanged(job_id=cancel.job_id, status="cancelled", message=cancel.reason)
        encoded = self._contract.encode(status, cancel.timestamp)
        room, id = ROOM_PREFIX + cancel.job_id, f"withdraw:{position.epoch}:{position.offset}"

        async def append(fence: Fence) -> None:
            await self._appends.append(room, encoded, id, condition=Condition(fence))

        for attempt in (summary.attempt, 0):  # 0: it was queued without job:created
            try:
                await append(Fence(attempt, "withdraw"))
                return
            except (StaleAttempt, JobEnded):
                pass  # a worker has taken the job, and receives the request

    async def _announce(self, created: JobCreated, position: Position) -> None:
        """Publish `job:created` where the job's audience already is, once per attempt."""
        room = "global" if created.owner is None else f"user:{created.owner}"
        has_audience = created.owner is not None or self._shared_jobs
        if has_audience and self._contract.match_room(room) is not None:
            id = f"{position.epoch}:{position.offset}"
            await self._host.publish(created, room=room, id=id)
