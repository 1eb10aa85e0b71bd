"""The catalogue matches the specification, on the wire and in TypeScript."""

import json
import re
from collections.abc import Iterator

import pytest

from longwire.catalog import CATALOG
from longwire.codegen import generate_typescript
from longwire.errors import InvalidEvent
from longwire.schema.description import NamedChoice, ObjectType

NOW = 1_732_000_000_000

# The event types of the specification: `name?` may be absent.
OBJECTS = {
    "JobProgressEvent": "jobId progress currentStep estimatedCompletion? timestamp",
    "JobOutputEvent": "jobId chunk isComplete type? timestamp",
    "JobStatusEvent": "jobId status message? timestamp",
    "JobResult": "content? metrics? artifacts?",
    "JobCompletedEvent": "jobId result cost duration timestamp",
    "JobFailedEvent": "jobId error errorCode? retryable timestamp",
    "BudgetUpdatedEvent": "used total percentage breakdown timestamp",
    "BudgetWarningEvent": "threshold message currentUsage timestamp",
    "CampaignMetrics": "impressions clicks conversions cost roi",
    "CampaignMetricsEvent": "campaignId metrics timestamp",
    "ContentAsset": "id title type status createdAt updatedAt",
    "AssetStatusEvent": "assetId status previousStatus timestamp",
    "AssetCreatedEvent": "asset timestamp",
    "AgentStatusEvent": "agentType status currentJob? queueDepth? timestamp",
    # Longwire's own
    "JobCreatedEvent": "jobId title? owner? attempt timestamp",
    "JobLeaseEvent": "jobId expiresIn timestamp",
    "JobCancelEvent": "jobId reason? timestamp",
    "AnnouncementEvent": "message level timestamp",
}

CHOICES = {
    "JobStatus": {"queued", "running", "completed", "failed", "cancelled"},
    "AgentType": {
        "cmo", "seo_writer", "email_marketer", "social_media_manager", "analytics_specialist",
    },
    "AgentStatus": {"ready", "busy", "error", "offline"},
    "ContentStatus": {"draft", "review", "approved", "published", "archived"},
    "OutputType": {"thinking", "writing", "tool_call"},
    "AssetType": {"blog", "email", "social", "landing_page"},
}  # fmt: skip

EVENTS = {
    # name: (room, rule, sender)
    "job:created": ("job:{jobId}", "latest", "server"),
    "job:progress": ("job:{jobId}", "latest", "server"),
    "job:output": ("job:{jobId}", "concat", "server"),
    "job:status": ("job:{jobId}", "latest", "server"),
    "job:completed": ("job:{jobId}", None, "server"),
    "job:failed": ("job:{jobId}", None, "server"),
    "job:lease": ("job:{jobId}", "latest", "server"),
    "job:cancel": ("job:{jobId}", None, "both"),
    "budget:updated": (None, "latest", "server"),
    "budget:warning": (None, None, "server"),
    "campaign:metrics": ("campaign:{campaignId}", "latest", "server"),
    "asset:status": (None, "latest", "server"),
    "asset:created": (None, None, "server"),
    "agent:status": ("agent:{agentType}", "latest", "server"),
    "announcement": ("global", None, "server"),
}

ASSET = {
    "id": "a",
    "title": "A",
    "type": "blog",
    "status": "draft",
    "createdAt": NOW,
    "updatedAt": NOW,
}
METRICS = {"impressions": 9, "clicks": 3, "conversions": 1, "cost": 2.5, "roi": -0.5}

# One payload of every event, as a client of the specification receives it.
PAYLOADS: dict[str, dict[str, object]] = {
    "job:created": {"jobId": "1", "title": "T", "owner": "u", "attempt": 2},
    "job:progress": {
        "jobId": "1", "progress": 42.5, "currentStep": "s", "estimatedCompletion": 3.0,
    },
    "job:output": {"jobId": "1", "chunk": "c", "isComplete": False, "type": "tool_call"},
    "job:status": {"jobId": "1", "status": "cancelled", "message": "m"},
    "job:completed": {
        "jobId": "1",
        "result": {
            "content": "c",
            "metrics": {"words": 3, "deep": [None, {"x": True}]},
            "artifacts": [{"type": "file", "url": "https://example.org/a", "name": "a"}],
        },
        "cost": 0.5,
        "duration": 12.0,
    },
    "job:failed": {"jobId": "1", "error": "e", "errorCode": "worker_lost", "retryable": True},
    "job:lease": {"jobId": "1", "expiresIn": 15.0},
    "job:cancel": {"jobId": "1", "reason": "r"},
    "budget:updated": {
        "used": 110.0, "total": 100.0, "percentage": 110.0, "breakdown": {"cmo": 110.0},
    },
    "budget:warning": {"threshold": 90, "message": "m", "currentUsage": 91.5},
    "campaign:metrics": {"campaignId": "9", "metrics": METRICS},
    "asset:status": {"assetId": "a", "status": "review", "previousStatus": "draft"},
    "asset:created": {"asset": ASSET},
    "agent:status": {
        "agentType": "cmo", "status": "busy", "currentJob": "1", "queueDepth": 0,
    },
    "announcement": {"message": "m", "level": "warning"},
}  # fmt: skip

DESCRIPTION = CATALOG.describe()


@pytest.mark.parametrize("name", OBJECTS)
def test_every_type_has_exactly_the_specified_fields(name: str) -> None:
    described = DESCRIPTION.type_named(name)
    assert isinstance(described, ObjectType)
    fields = {member.name + "?" * member.is_optional for member in described.fields}
    assert fields == set(OBJECTS[name].split())
    assert described.doc
    assert all(member.doc for member in described.fields)


@pytest.mark.parametrize("name", CHOICES)
def test_every_vocabulary_has_exactly_the_specified_values(name: str) -> None:
    described = DESCRIPTION.type_named(name)
    assert isinstance(described, NamedChoice)
    assert set(described.choice.values) == CHOICES[name]


def test_every_event_has_its_room_conflation_and_origin() -> None:
    assert {
        event.name: (event.room, event.conflation and event.conflation.rule, event.origin)
        for event in DESCRIPTION.events
    } == EVENTS
    assert set(DESCRIPTION.rooms) == {
        "user:{userId}", "job:{jobId}", "campaign:{campaignId}", "agent:{agentType}", "global",
    }  # fmt: skip


@pytest.mark.parametrize("name", EVENTS)
def test_payloads_are_unchanged_except_for_the_timestamp(name: str) -> None:
    payload = PAYLOADS[name]
    encoded = CATALOG.encode_data(name, json.dumps(payload).encode(), NOW, room="user:7")
    assert json.loads(encoded.data) == {**payload, "timestamp": NOW}
    again = CATALOG.encode(CATALOG.decode(name, encoded.data), 0, room="user:7")
    assert json.loads(again.data) == json.loads(encoded.data)


def optional_members() -> Iterator[tuple[str, str]]:
    for event in DESCRIPTION.events:
        payload = DESCRIPTION.type_named(event.payload)
        assert isinstance(payload, ObjectType)
        for member in payload.fields:
            if member.is_optional:
                yield event.name, member.name


@pytest.mark.parametrize(("name", "member"), tuple(optional_members()))
def test_optional_members_may_be_absent_or_null(name: str, member: str) -> None:
    without = {key: value for key, value in PAYLOADS[name].items() if key != member}
    expected = {**without, "timestamp": NOW}
    for payload in (without, {**without, member: None}):
        encoded = CATALOG.encode_data(name, json.dumps(payload).encode(), NOW, room="user:7")
        assert json.loads(encoded.data) == expected


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("job:progress", "$.progress", -0.1),
        ("job:progress", "$.progress", 100.1),
        ("job:progress", "$.estimatedCompletion", -1),
        ("job:progress", "$.timestamp", -1),
        ("job:progress", "$.timestamp", 2**53),
        ("job:progress", "$.timestamp", 1.5),
        ("job:created", "$.attempt", 0),
        ("job:output", "$.type", "singing"),
        ("job:output", "$.isComplete", "false"),
        ("job:status", "$.status", "done"),
        ("job:completed", "$.cost", -1),
        ("job:completed", "$.duration", -1),
        ("job:completed", "$.result", None),
        ("job:failed", "$.retryable", 1),
        ("job:lease", "$.expiresIn", -1),
        ("budget:updated", "$.used", -1),
        ("budget:updated", "$.total", -1),
        ("budget:updated", "$.percentage", -1),
        ("budget:updated", "$.breakdown[...]", {"cmo": -1}),
        ("budget:warning", "$.threshold", -1),
        ("budget:warning", "$.currentUsage", -1),
        ("campaign:metrics", "$.metrics.clicks", {**METRICS, "clicks": -1}),
        ("campaign:metrics", "$.metrics.impressions", {**METRICS, "impressions": 1.5}),
        ("campaign:metrics", "$.metrics.cost", {**METRICS, "cost": -1}),
        ("asset:status", "$.previousStatus", "lost"),
        ("asset:created", "$.asset.type", {**ASSET, "type": "video"}),
        ("asset:created", "$.asset.createdAt", {**ASSET, "createdAt": -1}),
        ("agent:status", "$.agentType", "ceo"),
        ("agent:status", "$.status", "asleep"),
        ("agent:status", "$.queueDepth", -1),
        ("announcement", "$.level", "panic"),
    ],
)
def test_enforces_ranges_and_vocabularies(name: str, path: str, value: object) -> None:
    member = path.removeprefix("$.").partition(".")[0].partition("[")[0]
    payload = {**PAYLOADS[name], member: value}
    with pytest.raises(InvalidEvent) as caught:
        CATALOG.encode_data(name, json.dumps(payload).encode(), NOW, room="user:7")
    assert caught.value.path == path


@pytest.mark.parametrize("name", ["budget:updated", "asset:created"])
def test_some_events_declare_no_room(name: str) -> None:
    assert CATALOG.encode_data(name, json.dumps(PAYLOADS[name]).encode(), NOW).room is None


def test_typescript_has_every_name_of_the_specification() -> None:
    text = generate_typescript(CATALOG)
    exported = set(re.findall(r"^export (?:type|interface|const) (\w+)", text, re.MULTILINE))
    assert exported >= {
        "ConnectionState", "SocketEvents", "EventHandler", "JobStatus", "AgentType", "AgentStatus",
        "ContentStatus", *OBJECTS,
    }  # fmt: skip
