"""Figures of marketing campaigns."""

from longwire.catalog.units import Cost, Count
from longwire.schema import Event, Record
from longwire.types import Latest


class CampaignMetrics(Record):
    """The figures of a campaign by now.

    Attributes:
        impressions: how often it was shown.
        clicks: how often it was clicked.
        conversions: how often it led to what it is for.
        cost: what it cost, in the currency of the budget.
        roi: return on investment as a ratio; negative is a loss.
    """

    impressions: Count
    clicks: Count
    conversions: Count
    cost: Cost
    roi: float


class CampaignMetricsUpdated(
    Event, name="campaign:metrics", room="campaign:{campaign_id}", conflate=Latest()
):
    """The figures of a campaign changed.

    Attributes:
        campaign_id: the campaign.
        metrics: its figures.
    """

    campaign_id: str
    metrics: CampaignMetrics
