"""The events and rooms that ship with Longwire: jobs, budgets, campaigns, assets and agents.

Vocabularies are string `Literal`s instead of enums: a plain `"running"` type-checks, narrows in
`match` and `switch`, decodes without a lookup, and becomes a string union in TypeScript.
`Meta(title=…)` names such a type in generated code, and for `Contract.widen`, which adds values.
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
    JOB_EVENTS,
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
        *JOB_EVENTS,
        BudgetUpdated,
        BudgetWarning,
        CampaignMetricsUpdated,
        AssetStatusChanged,
        AssetCreated,
        AgentStatusChanged,
        Announcement,
    ),
    rooms=("user:{user_id}",),
).seal()
"""The contract with all events of this package. Extend it with `CATALOG | Contract([...])`."""

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
