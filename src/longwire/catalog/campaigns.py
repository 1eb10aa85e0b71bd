"""Metrics of marketing campaigns."""

from longwire.catalog.units import Cost, Count
from longwire.schema import Event, Record
from longwire.types import Latest


class CampaignMetrics(Record):
    """The current metrics of a campaign.

    Attributes:
        impressions: the number of views.
        clicks: the number of clicks.
        conversions: the number of conversions.
        cost: the cost so far, in the currency of the budget.
        roi: the return on investment as a ratio; negative for a loss.
    """

    impressions: Count
    clicks: Count
    conversions: Count
    cost: Cost
    roi: float


class CampaignMetricsUpdated(
    Event, name="campaign:metrics", room="campaign:{campaign_id}", conflate=Latest()
):
    """The metrics of a campaign have changed.

    Attributes:
        campaign_id: the campaign's id.
        metrics: its current metrics.
    """

    campaign_id: str
    metrics: CampaignMetrics
