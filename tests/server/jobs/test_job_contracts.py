"""Jobs on servers whose contract, or whose user, is not what a job needs."""

from __future__ import annotations

import pytest

from longwire import Contract, Event, Server, anonymous
from longwire.catalog import (
    JobCancel,
    JobCompleted,
    JobCreated,
    JobFailed,
    JobLease,
    JobStatusChanged,
)
from longwire.errors import ContractError, InvalidRoom


class OrderShipped(Event, name="order:shipped", room="order:{order_id}"):
    order_id: str


def test_a_server_without_job_events_says_where_they_are() -> None:
    server = Server(contract=Contract([OrderShipped]), authenticate=anonymous)
    with pytest.raises(ContractError, match=r"contract=CATALOG \| Contract"):
        server.job()


async def test_an_owner_that_can_be_no_user_leaves_no_job_behind_that_is_queued_for_ever() -> None:
    async with Server(authenticate=anonymous) as server:
        with pytest.raises(InvalidRoom):
            async with server.job(owner="a b"):
                raise AssertionError("entered")
        assert await server.jobs() == []


async def test_a_contract_without_rooms_of_users_has_jobs_with_owners() -> None:
    events = [JobCreated, JobStatusChanged, JobLease, JobCancel, JobCompleted, JobFailed]
    async with Server(contract=Contract(events), authenticate=anonymous) as server:
        async with server.job(owner="ada"):
            pass
        assert [job.status for job in await server.jobs()] == ["completed"]
