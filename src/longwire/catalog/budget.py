"""Spending against a budget.

Budgets have no room of their own: the publisher says where they go, typically `user:{userId}`.
"""

from typing import Annotated, Literal

from msgspec import Meta

from longwire.catalog.units import Cost
from longwire.schema import Event
from longwire.types import Latest

BudgetThreshold = Annotated[
    Literal[80, 90, 100],
    Meta(title="BudgetThreshold", description="Percent of a budget at which a warning is due."),
]

Usage = Annotated[float, Meta(ge=0, description="Percent of the budget; above 100 is overspent.")]


class BudgetUpdated(Event, name="budget:updated", conflate=Latest()):
    """What is spent by now.

    Attributes:
        used: what is spent, in the currency of the budget.
        total: the budget.
        percentage: used of total in percent; above 100 is overspent.
        breakdown: what is spent, by agent type.
    """

    used: Cost
    total: Cost
    percentage: Usage
    breakdown: dict[str, Cost]


class BudgetWarning(Event, name="budget:warning"):
    """Spending passed a threshold.

    Attributes:
        threshold: the threshold that was passed, in percent.
        message: the warning, for a person.
        current_usage: percent of the budget spent by now.
    """

    threshold: BudgetThreshold
    message: str
    current_usage: Usage
