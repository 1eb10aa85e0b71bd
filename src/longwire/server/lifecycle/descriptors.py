"""Reports when the process has no file descriptor left for another connection.

An event loop refuses such connections by itself: asyncio logs it, and uvloop resets them without a
message. Nothing else shows why clients cannot connect.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import sys
from typing import Final

if sys.platform != "win32":
    import resource  # here, since an import needs a descriptor

logger = logging.getLogger("longwire.server")

# Seconds between two checks, each of which opens and closes one file.
INTERVAL: Final = 1.0

# Seconds after which the log repeats that no descriptor is left.
REPEAT_AFTER: Final = 60.0


class DescriptorWatch:
    """Checks regularly whether a file descriptor is left."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None
        self._silent_until = 0.0

    def start(self) -> None:
        """Check from now on."""
        self.stop()
        self._timer = asyncio.get_running_loop().call_later(INTERVAL, self._check)

    def stop(self) -> None:
        """Stop checking."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(INTERVAL, self._check)
        if loop.time() >= self._silent_until and not _is_one_left():
            self._silent_until = loop.time() + REPEAT_AFTER
            logger.error(
                "no file descriptor is left%s: new connections are refused. Raise the limit "
                "(`ulimit -n`, LimitNOFILE= of systemd) above the number of connections",
                _limit(),
            )


def _is_one_left() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno not in (errno.EMFILE, errno.ENFILE)
    return True


def _limit() -> str:
    if sys.platform == "win32":
        return ""
    return f" (limit {resource.getrlimit(resource.RLIMIT_NOFILE)[0]})"
