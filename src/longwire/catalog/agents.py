"""The agents that work on jobs."""

from typing import Annotated, Literal

from msgspec import Meta

from longwire.catalog.units import Count
from longwire.schema import Event
from longwire.types import Latest

AgentType = Annotated[
    Literal["cmo", "seo_writer", "email_marketer", "social_media_manager", "analytics_specialist"],
    Meta(title="AgentType", description="The role of an agent."),
]

AgentStatus = Annotated[
    Literal["ready", "busy", "error", "offline"],
    Meta(title="AgentStatus", description="The status of an agent."),
]


class AgentStatusChanged(
    Event, name="agent:status", room="agent:{agent_type}", conflate=Latest(key="agent_type")
):
    """The status of an agent has changed.

    Attributes:
        agent_type: the agent.
        status: the new status.
        current_job: the id of the job that the agent is working on.
        queue_depth: the number of jobs waiting for the agent.
    """

    agent_type: AgentType
    status: AgentStatus
    current_job: str | None = None
    queue_depth: Count | None = None
