"""Numeric types of the catalogue, with their ranges."""

from typing import Annotated

from msgspec import Meta

Percent = Annotated[float, Meta(ge=0, le=100, description="Percentage, 0 to 100.")]
Seconds = Annotated[float, Meta(ge=0, description="Seconds.")]
Cost = Annotated[float, Meta(ge=0, description="Cost in the currency of the budget.")]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
