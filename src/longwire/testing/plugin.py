"""Loaded by pytest wherever Longwire is installed; see `longwire.testing.fixtures`.

What is heavy is imported by the fixtures that are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Add the fixtures, when every plugin is there that can run them."""
    fixtures = import_module("longwire.testing.fixtures")
    config.pluginmanager.register(fixtures, "longwire-fixtures")
