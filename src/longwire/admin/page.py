"""Serves the files of the admin page."""

from pathlib import Path
from typing import Final

from starlette.types import Scope

from longwire.types import override
from longwire.web.static_files import WebPage

ASSETS: Final = Path(__file__).parent / "static"
"""The build output of `web/admin`, which is part of the wheel."""


class AdminPage(WebPage):
    """Serves the built admin page at any mount path.

    Each view of the page is one path segment, such as `connections`, so the page itself answers
    every path of one segment that is not a file's.
    """

    def __init__(self) -> None:
        super().__init__(ASSETS)

    @override
    def get_path(self, scope: Scope) -> str:
        """Return the file of a request."""
        path = super().get_path(scope)
        return path if "/" in path or "." in path else "index.html"
