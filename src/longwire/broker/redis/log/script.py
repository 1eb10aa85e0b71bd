"""The scripts that Redis runs: what has to happen in one piece."""

from __future__ import annotations

from hashlib import sha1
from importlib.resources import files
from typing import Final

_LUA = files("longwire.broker.redis") / "lua"


class Script:
    """A script and the name that Redis knows it by once it is loaded.

    Attributes:
        text: its source.
        sha: its name.
    """

    __slots__ = ("sha", "text")

    def __init__(self, *parts: str) -> None:
        self.text = b"\n".join((_LUA / f"{part}.lua").read_bytes() for part in parts)
        self.sha = sha1(self.text, usedforsecurity=False).hexdigest().encode()


APPEND: Final = Script("room", "append")
READ: Final = Script("room", "read")
HOLD: Final = Script("room", "hold")
FOLD: Final = Script("room", "fold")
FORGET: Final = Script("room", "forget")
TOUCH: Final = Script("touch")
STALE: Final = Script("stale")
BEGIN: Final = Script("begin")

SCRIPTS: Final = (APPEND, READ, HOLD, FOLD, FORGET, TOUCH, STALE, BEGIN)
