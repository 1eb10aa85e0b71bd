"""The pytest plugin; pytest loads it in every project that has Longwire installed.

It registers `longwire.testing.fixtures`, which import the rest of Longwire when they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Register the fixtures once all plugins are loaded, because they need to know which."""
    fixtures = import_module("longwire.testing.fixtures")
    config.pluginmanager.register(fixtures, "longwire-fixtures")
