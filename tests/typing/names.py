"""Names that are not there. Never run; read by `make check`."""

from longwire import WebsocketClient  # type: ignore[attr-defined]  # pyright: ignore
from longwire.testing import Lnik  # type: ignore[attr-defined]  # pyright: ignore

__all__ = ["Lnik", "WebsocketClient"]
