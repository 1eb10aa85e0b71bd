"""The types of events and contracts. Checked by mypy and pyright, never run."""

from collections.abc import Mapping
from typing import Annotated, Literal, assert_type

from msgspec import Raw

from longwire import CATALOG, Concat, Contract, Event, Latest, Meta, Record, RoomPattern
from longwire.catalog import (
    AgentStatusChanged,
    AgentType,
    BudgetWarning,
    JobCompleted,
    JobOutput,
    JobProgress,
    JobResult,
    JobStatus,
    JobStatusChanged,
)
from longwire.schema import Declaration, Encoded


class Place(Record):
    name: str
    note: str | None = None


class Moved(Event, name="moved", room="thing:{thing_id}", conflate=Latest(key="thing_id")):
    thing_id: str
    speed: Annotated[float, Meta(ge=0)]
    place: Place | None = None
    tags: list[str] = []  # noqa: RUF012


class Said(Event, name="message", origin="both", conflate=Concat("text")):
    text: str


# Events: keyword-only, typed, immutable.
moved = Moved(thing_id="1", speed=2)
assert_type(moved, Moved)
assert_type(moved.thing_id, str)
assert_type(moved.speed, float)
assert_type(moved.place, Place | None)
assert_type(moved.tags, list[str])
assert_type(moved.timestamp, int)

Moved(thing_id="1")  # type: ignore[call-arg]
Moved(thing_id=1, speed=2)  # type: ignore[arg-type]
Moved(thing_id="1", speed=2, colour="red")  # type: ignore[call-arg]
Said("a")  # type: ignore[call-arg, arg-type]
moved.speed = 3  # type: ignore[misc]


# The catalogue.
assert_type(
    JobProgress(job_id="1", progress=1, current_step="a").estimated_completion, float | None
)
assert_type(
    JobOutput(job_id="1", chunk="a").type, Literal["thinking", "writing", "tool_call"] | None
)
assert_type(JobCompleted(job_id="1", result=JobResult(), cost=0, duration=0).result, JobResult)
assert_type(JobResult().metrics, dict[str, object] | None)
assert_type(BudgetWarning(threshold=85, message="a", current_usage=86).threshold, float)
AgentStatusChanged(agent_type="cmo", status="ready")
AgentStatusChanged(agent_type="nobody", status="ready")  # type: ignore[arg-type]
BudgetWarning(threshold="85", message="a", current_usage=85)  # type: ignore[arg-type]


def is_over(event: JobStatusChanged) -> bool:
    match event.status:
        case "completed" | "failed" | "cancelled":
            return True
        case "queued" | "running":
            return False


def sets_status(status: JobStatus) -> JobStatusChanged:
    return JobStatusChanged(job_id="1", status=status)


# Contracts.
contract = CATALOG | Contract([Moved, Said], rooms=["team:{team_id}"])
assert_type(contract, Contract)
assert_type(contract.decode(Moved, b"{}"), Moved)
assert_type(contract.decode(Moved, Raw(b"{}")), Moved)
assert_type(contract.decode("moved", b"{}"), object)
assert_type(contract.encode(moved, now_ms=1), Encoded)
assert_type(contract.encode_data("moved", b"{}", 1, origin="client"), Encoded)
assert_type(contract.events, Mapping[str, type])
assert_type(contract.declarations, Mapping[str, Declaration])
assert_type(contract.match_room("thing:1"), tuple[RoomPattern, dict[str, str]] | None)
assert_type(contract.fingerprint, str)
assert_type(contract.widen(AgentType, "translator", "editor"), Contract)
assert_type(contract.replace(Moved), Contract)
assert_type(CATALOG.seal(), Contract)
contract.widen(AgentType, 5)  # type: ignore[arg-type]
contract.encode_data("moved", b"{}", 1, origin="anyone")  # type: ignore[arg-type]
