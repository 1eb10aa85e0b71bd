"""What a publication costs for any number of members. Counted, so independent of the machine."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

import longwire.prepared
from longwire.broker import MemoryBroker
from longwire.catalog import (
    Announcement,
    JobCompleted,
    JobCreated,
    JobLease,
    JobOutput,
    JobProgress,
    JobResult,
    JobStatusChanged,
)
from longwire.errors import InvalidEvent
from longwire.prepared import PreparedMessage
from longwire.schema.codec import EventCodec
from longwire.server.access.rules import is_signed_in
from tests.invariants.conftest import Counted, FakeClient, ServerFixture, settle

ROOM = "campaign:1"
MEMBERS = 50


def announcement(text: str = "news") -> Announcement:
    return Announcement(message=text)


async def test_a_publication_is_encoded_once(fixture: ServerFixture, monkeypatch) -> None:
    await fixture.connect(MEMBERS, ROOM)
    await fixture.connect(MEMBERS, ROOM, positions=True)
    payloads = Counted(monkeypatch, EventCodec, "encode")
    packets = Counted(monkeypatch, PreparedMessage, "_encode")
    frames = Counted(monkeypatch, longwire.prepared, "encode_frame")
    await fixture.server.publish(announcement(), room=ROOM)
    await settle()
    assert payloads.calls == 1
    assert packets.calls == frames.calls == 2  # with positions and without


@pytest.fixture
async def watched_job(fixture: ServerFixture) -> list[FakeClient]:
    """Members of the room of job 1."""
    fixture.server.rule("job:{job_id}")(is_signed_in)
    return await fixture.connect(MEMBERS, "job:1", positions=True)


async def test_a_publication_to_a_jobs_room_is_encoded_once_and_never_decoded(
    fixture: ServerFixture, watched_job: list[FakeClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    encodes = Counted(monkeypatch, EventCodec, "encode")  # includes the decode that validates
    decodes = Counted(monkeypatch, EventCodec, "decode")
    events = [
        JobCreated(job_id="1", title="Report"),
        JobStatusChanged(job_id="1", status="running"),
        JobLease(job_id="1", expires_in=60),
        JobOutput(job_id="1", chunk="text"),
        JobProgress(job_id="1", progress=5, current_step="step"),
        JobCompleted(job_id="1", result=JobResult(), cost=0, duration=1),
    ]
    for event in events:
        await fixture.server.publish(event)
    await settle()
    assert encodes.calls == len(events)
    assert decodes.calls == 0
    assert {b"".join(client.written).count(b'["job:') for client in watched_job} == {len(events)}


async def test_published_json_is_decoded_once(
    fixture: ServerFixture, watched_job: list[FakeClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    encodes = Counted(monkeypatch, EventCodec, "encode")
    decodes = Counted(monkeypatch, EventCodec, "decode")
    await fixture.server.publish_data("job:output", b'{"jobId":"1","chunk":"text"}')
    await fixture.server.publish_data("job:created", b'{"jobId":"1","title":"Report"}')
    await settle()
    assert encodes.calls == decodes.calls == 2


async def test_a_job_encodes_each_of_its_publications_once_and_decodes_none(
    fixture: ServerFixture, watched_job: list[FakeClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    encodes = Counted(monkeypatch, EventCodec, "encode")
    decodes = Counted(monkeypatch, EventCodec, "decode")
    publications = Counted(monkeypatch, MemoryBroker, "publish")
    async with fixture.server.job(job_id="1", owner="ada", title="Report") as job:
        for percent in range(10):
            await job.progress(percent, "Reading")
            await job.output("token ", type="writing")
            await job.flush()
        for _ in range(100):
            await job.output("token ", type="writing")  # rolls up
        with pytest.raises(InvalidEvent):
            await job.output("\ud800")
        await job.complete({"content": "done"})
    await settle()
    announcements = 1  # `job:created` is published once more, in its owner's room
    assert publications.calls == encodes.calls
    assert decodes.calls == 0
    received = {b"".join(client.written).count(b'["job:') for client in watched_job}
    assert received == {publications.calls - announcements}


async def test_members_of_a_variant_receive_the_same_object(fixture: ServerFixture) -> None:
    plain = await fixture.connect(MEMBERS, ROOM)
    positions = await fixture.connect(MEMBERS, ROOM, positions=True)
    await fixture.server.publish(announcement(), room=ROOM)
    await settle()
    for clients in (plain, positions):
        assert [len(client.written) for client in clients] == [1] * MEMBERS
        assert len({id(client.written[0]) for client in clients}) == 1
    assert plain[0].written != positions[0].written


async def test_a_large_room_receives_the_same_object_in_slices(fixture: ServerFixture) -> None:
    clients = await fixture.connect(fixture.server.limits.fanout_slice * 2 + 1, ROOM)
    await fixture.server.publish(announcement(), room=ROOM)
    await settle()
    assert {len(client.written) for client in clients} == {1}
    assert len({id(client.written[0]) for client in clients}) == 1


async def test_publications_of_one_turn_are_one_write_per_member(fixture: ServerFixture) -> None:
    clients = await fixture.connect(MEMBERS, ROOM)
    for number in range(10):
        await fixture.server.publish(announcement(f"number {number}"), room=ROOM)
    await settle()
    assert {len(client.written) for client in clients} == {1}
    assert clients[0].written[0].count(b'["announcement"') == 10


async def test_a_delivery_creates_no_task_and_no_callback(
    fixture: ServerFixture, monkeypatch
) -> None:
    loop = asyncio.get_running_loop()
    scheduled = {
        name: Counted(monkeypatch, loop, name)
        for name in ("create_task", "call_soon", "call_later", "call_at")
    }
    costs = []
    for _ in range(2):
        await fixture.connect(MEMBERS, ROOM)
        before = {name: counted.calls for name, counted in scheduled.items()}
        await fixture.server.publish(announcement(), room=ROOM)
        await settle()
        costs.append({name: counted.calls - before[name] for name, counted in scheduled.items()})
    assert costs[0] == costs[1]  # twice the members
    assert costs[0]["create_task"] == costs[0]["call_later"] == costs[0]["call_at"] == 0


async def test_members_of_other_rooms_receive_nothing(fixture: ServerFixture) -> None:
    await fixture.connect(MEMBERS, ROOM)
    others = await fixture.connect(MEMBERS, "campaign:2")
    await fixture.server.publish(announcement(), room=ROOM)
    await settle()
    assert Counter(len(client.written) for client in others) == {0: MEMBERS}
