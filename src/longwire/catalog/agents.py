"""The agents that work on jobs."""

from typing import Annotated, Literal

from msgspec import Meta

from longwire.catalog.units import Count
from longwire.schema import Event
from longwire.types import Latest

AgentType = Annotated[
    Literal["cmo", "seo_writer", "email_marketer", "social_media_manager", "analytics_specialist"],
    Meta(title="AgentType", description="What an agent is for."),
]

AgentStatus = Annotated[
    Literal["ready", "busy", "error", "offline"],
    Meta(title="AgentStatus", description="What an agent is doing."),
]


class AgentStatusChanged(
    Event, name="agent:status", room="agent:{agent_type}", conflate=Latest(key="agent_type")
):
    """An agent changed its status.

    Attributes:
        agent_type: the agent.
        status: what it is doing from now on.
        current_job: the job that it works on.
        queue_depth: how many jobs wait for it.
    """

    agent_type: AgentType
    status: AgentStatus
    current_job: str | None = None
    queue_depth: Count | None = None
