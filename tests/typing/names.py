"""Names that do not exist. Checked by mypy and pyright, never run."""

from longwire import WebsocketClient  # type: ignore[attr-defined]  # pyright: ignore
from longwire.testing import Lnik  # type: ignore[attr-defined]  # pyright: ignore

__all__ = ["Lnik", "WebsocketClient"]
