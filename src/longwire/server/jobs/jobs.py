"""The jobs of a server, behind one object."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from longwire.broker import Broker
from longwire.catalog import JobCancel, JobCreated
from longwire.errors import ContractError
from longwire.jobs import Job, JobHost, JobState
from longwire.schema import Contract, Encoded, Event
from longwire.server.access.authentication import Identity
from longwire.server.access.rules import RoomRules
from longwire.server.clients.socket import Socket
from longwire.server.jobs.access import JobAccess
from longwire.server.jobs.appends import JobAppends
from longwire.server.jobs.leases import Leases
from longwire.server.jobs.registry import ROOM_PREFIX, JobRegistry
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
        self.leases = Leases(
            self._registry, host, is_shared=broker.is_shared, survey_interval=survey_interval
        )
        self._running = RunningJobs(hub, contract, start)
        self._access = JobAccess(hub, rules)
        self._appends = JobAppends(broker, self._react)

    async def start(self) -> None:
        """Take over the leases of unfinished jobs."""
        await self.leases.start()

    async def interrupt(self) -> None:
        """Interrupt the jobs whose workers run in this process, and wait until they have ended."""
        await self._running.close()

    async def close(self) -> None:
        """Stop watching leases, and wait for the publications that are under way."""
        await self.leases.close()
        await self._registry.close()
        await self._appends.close()

    def create(self, *, owner: str | None, title: str | None, job_id: str | None) -> Job:
        """Return a job that runs in this process; see `Server.job`."""
        if JobCreated not in self._contract.events.values():
            raise ContractError(
                "the contract lacks the events of jobs: "
                "use Server(contract=CATALOG | Contract([…]))"
            )
        return self._running.add(Job(self._host, job_id=job_id, owner=owner, title=title))

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

    async def append(self, room: str, encoded: Encoded, id: str | None) -> Position:
        """Append a publication to a job's room and react to it.

        A further attempt that names no title or owner is appended with those of the job.

        Raises:
            InvalidRoom: the owner cannot be a user's id.
            Exception: everything that `Broker.publish` raises.
        """
        created = encoded.payload
        if isinstance(created, JobCreated) and room == ROOM_PREFIX + created.job_id:
            completed = await self._registry.complete(created)
            if completed != created:
                encoded = self._contract.encode(completed, created.timestamp)
        return await self._appends.append(room, encoded, id)

    async def _react(self, event: object, position: Position) -> None:
        """Renew the lease that the appended event is a sign of life for; announce a new job."""
        if isinstance(event, Event):
            self.leases.observe(event, position)
        if isinstance(event, JobCreated):
            await self._access.wait_for_removals()
            await self._announce(event, position)

    async def _announce(self, created: JobCreated, position: Position) -> None:
        """Publish `job:created` where the job's audience already is, once per attempt."""
        room = "global" if created.owner is None else f"user:{created.owner}"
        has_audience = created.owner is not None or self._shared_jobs
        if has_audience and self._contract.match_room(room) is not None:
            id = f"{position.epoch}:{position.offset}"
            await self._host.publish(created, room=room, id=id)
