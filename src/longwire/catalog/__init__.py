"""The events and rooms that Longwire brings along: jobs, budgets, campaigns, assets, agents.

Closed vocabularies are string `Literal`s, not enums: a plain `"running"` type-checks on both
sides, narrows in `match` and `switch`, decodes without a lookup, and is a string union in
TypeScript. `Meta(title=…)` gives such a type its name in generated code.
"""

from longwire.catalog.agents import AgentStatus, AgentStatusChanged, AgentType
from longwire.catalog.announcements import Announcement, AnnouncementLevel
from longwire.catalog.assets import (
    AssetCreated,
    AssetStatusChanged,
    AssetType,
    ContentAsset,
    ContentStatus,
)
from longwire.catalog.budget import BudgetThreshold, BudgetUpdated, BudgetWarning
from longwire.catalog.campaigns import CampaignMetrics, CampaignMetricsUpdated
from longwire.catalog.jobs import (
    JobArtifact,
    JobCancel,
    JobCompleted,
    JobCreated,
    JobFailed,
    JobLease,
    JobOutput,
    JobProgress,
    JobResult,
    JobStatus,
    JobStatusChanged,
    OutputType,
)
from longwire.schema import Contract

CATALOG = Contract(
    events=(
        JobCreated,
        JobProgress,
        JobOutput,
        JobStatusChanged,
        JobCompleted,
        JobFailed,
        JobLease,
        JobCancel,
        BudgetUpdated,
        BudgetWarning,
        CampaignMetricsUpdated,
        AssetStatusChanged,
        AssetCreated,
        AgentStatusChanged,
        Announcement,
    ),
    rooms=("user:{user_id}",),
)
"""The contract of the specification and of Longwire's own events; extend it with `|`."""

__all__ = [
    "CATALOG",
    "AgentStatus",
    "AgentStatusChanged",
    "AgentType",
    "Announcement",
    "AnnouncementLevel",
    "AssetCreated",
    "AssetStatusChanged",
    "AssetType",
    "BudgetThreshold",
    "BudgetUpdated",
    "BudgetWarning",
    "CampaignMetrics",
    "CampaignMetricsUpdated",
    "ContentAsset",
    "ContentStatus",
    "JobArtifact",
    "JobCancel",
    "JobCompleted",
    "JobCreated",
    "JobFailed",
    "JobLease",
    "JobOutput",
    "JobProgress",
    "JobResult",
    "JobStatus",
    "JobStatusChanged",
    "OutputType",
]
