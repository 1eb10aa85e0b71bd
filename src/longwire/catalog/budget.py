"""Budgets and their use.

Their events declare no room: the publisher names it, typically `user:{userId}`.
"""

from typing import Annotated

from msgspec import Meta

from longwire.catalog.units import Cost
from longwire.schema import Event
from longwire.types import Latest

BudgetThreshold = Annotated[
    float,
    Meta(ge=0, description="Percentage of a budget at which a warning is sent, such as 80."),
]
"""A number, as in the specification: which thresholds warn is a decision of the application."""

Usage = Annotated[
    float, Meta(ge=0, description="Percentage of the budget; above 100 if it is exceeded.")
]


class BudgetUpdated(Event, name="budget:updated", conflate=Latest()):
    """The use of a budget has changed.

    Attributes:
        used: the amount spent, in the currency of the budget.
        total: the amount of the budget.
        percentage: `used` as a percentage of `total`; above 100 if the budget is exceeded.
        breakdown: the amount spent by each agent type.
    """

    used: Cost
    total: Cost
    percentage: Usage
    breakdown: dict[str, Cost]


class BudgetWarning(Event, name="budget:warning"):
    """The use of a budget has reached a threshold.

    Attributes:
        threshold: the threshold, in percent, typically 80, 90 or 100.
        message: the text to show.
        current_usage: the percentage of the budget that is used.
    """

    threshold: BudgetThreshold
    message: str
    current_usage: Usage
