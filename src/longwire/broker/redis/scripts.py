"""The Lua scripts that run inside Redis; each is one atomic step."""

from hashlib import sha1
from importlib.resources import files
from typing import Final

_LUA = files("longwire.broker.redis") / "lua"


class Script:
    """A script, made of one or more files.

    Attributes:
        text: the source.
        sha: the SHA-1 of the source, by which Redis identifies a loaded script.
    """

    def __init__(self, *parts: str) -> None:
        self.text = b"\n".join((_LUA / f"{part}.lua").read_bytes() for part in parts)
        self.sha = sha1(self.text, usedforsecurity=False).hexdigest().encode()


APPEND: Final = Script("room", "append")
READ: Final = Script("room", "read")
NEWEST: Final = Script("room", "newest")
HOLD: Final = Script("room", "hold")
COMPACT: Final = Script("room", "compact")
FORGET: Final = Script("room", "forget")
TOUCH: Final = Script("touch")
STALE: Final = Script("stale")
BEGIN: Final = Script("begin")

SCRIPTS: Final = (APPEND, READ, NEWEST, HOLD, COMPACT, FORGET, TOUCH, STALE, BEGIN)
