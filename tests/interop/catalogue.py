"""A wire payload for every event of the specification."""

from __future__ import annotations

from typing import Any

JOB = "catalogue"
SAMPLES: dict[str, tuple[str, dict[str, Any]]] = {
    "job:created": (f"job:{JOB}", {"jobId": JOB, "title": "Write a post", "owner": "ada"}),
    "job:status": (f"job:{JOB}", {"jobId": JOB, "status": "running", "message": "Off we go"}),
    "job:lease": (f"job:{JOB}", {"jobId": JOB, "expiresIn": 30}),
    "job:progress": (
        f"job:{JOB}",
        {"jobId": JOB, "progress": 42.5, "currentStep": "Drafting", "estimatedCompletion": 12},
    ),
    "job:output": (
        f"job:{JOB}",
        {"jobId": JOB, "chunk": "Grüße, 世界 🌍\n", "isComplete": False, "type": "writing"},
    ),
    "job:cancel": (f"job:{JOB}", {"jobId": JOB, "reason": "Not needed any more"}),
    "job:failed": (
        f"job:{JOB}",
        {"jobId": JOB, "error": "No model", "errorCode": "no_model", "retryable": True},
    ),
    "job:completed": (
        f"job:{JOB}",
        {
            "jobId": JOB,
            "result": {
                "content": "A post",
                "metrics": {"words": 700, "score": 0.5, "nested": {"a": [1, None, True]}},
                "artifacts": [{"type": "image", "url": "/cover.png", "name": "cover"}],
            },
            "cost": 0.25,
            "duration": 61.5,
        },
    ),
    "budget:updated": (
        "user:ada",
        {"used": 40, "total": 50, "percentage": 80, "breakdown": {"cmo": 30, "seo_writer": 10}},
    ),
    "budget:warning": (
        "user:ada",
        {"threshold": 80, "message": "80 % of the budget is used", "currentUsage": 40},
    ),
    "campaign:metrics": (
        "campaign:spring",
        {
            "campaignId": "spring",
            "metrics": {
                "impressions": 1000,
                "clicks": 50,
                "conversions": 3,
                "cost": 12.5,
                "roi": 1.75,
            },
        },
    ),
    "asset:created": (
        "user:ada",
        {
            "asset": {
                "id": "a1",
                "title": "Spring",
                "type": "blog",
                "status": "draft",
                "createdAt": 1_700_000_000_000,
                "updatedAt": 1_700_000_000_001,
            }
        },
    ),
    "asset:status": (
        "user:ada",
        {"assetId": "a1", "status": "review", "previousStatus": "draft"},
    ),
    "agent:status": (
        "agent:cmo",
        {"agentType": "cmo", "status": "busy", "currentJob": JOB, "queueDepth": 2},
    ),
    "announcement": ("global", {"message": "Back at noon", "level": "warning"}),
}
