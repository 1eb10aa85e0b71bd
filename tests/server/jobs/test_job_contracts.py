"""Jobs on servers whose contract lacks events or rooms that jobs use."""

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


def test_the_error_of_a_contract_without_jobs_says_how_to_add_them() -> None:
    server = Server(contract=Contract([OrderShipped]), authenticate=anonymous)
    with pytest.raises(ContractError, match=r"contract=CATALOG \| Contract"):
        server.job()


async def test_an_invalid_owner_leaves_no_queued_job_behind() -> None:
    async with Server(authenticate=anonymous) as server:
        with pytest.raises(InvalidRoom):
            async with server.job(owner="a b"):
                raise AssertionError("entered")
        assert await server.jobs() == []


async def test_a_contract_without_user_rooms_can_have_jobs_with_owners() -> None:
    events = [JobCreated, JobStatusChanged, JobLease, JobCancel, JobCompleted, JobFailed]
    async with Server(contract=Contract(events), authenticate=anonymous) as server:
        async with server.job(owner="ada"):
            pass
        assert [job.status for job in await server.jobs()] == ["completed"]
