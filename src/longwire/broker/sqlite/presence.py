"""Detects that the file of the logs was deleted or replaced while it is open.

SQLite continues to write to a file that has no name any more, and every commit succeeds: the
entries are acknowledged, and gone once the process ends.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from longwire.errors import LogFileError

logger = logging.getLogger("longwire.broker")

_Identity = tuple[int, int]


class Presence:
    """Remembers which files were opened, and compares them with those at their paths.

    Args:
        path: the file, which is open. Its write-ahead log is beside it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        beside = path.with_name(f"{path.name}-wal")
        opened = ((file, _identify(file)) for file in (path, beside))
        self._opened = [(file, identity) for file, identity in opened if identity is not None]
        self._is_reported = False

    def check(self) -> None:
        """Return if the open files still have their names; takes some microseconds.

        Raises:
            LogFileError: one was deleted or replaced, or its file system was unmounted.
        """
        for file, identity in self._opened:
            if _identify(file) != identity:
                error = LogFileError(
                    str(file),
                    "it was deleted or replaced while the server runs, so nothing more is "
                    "accepted; move it back, or restart the server",
                )
                if not self._is_reported:
                    self._is_reported = True
                    logger.error("%s", error)
                raise error
        self._is_reported = False


def _identify(file: Path) -> _Identity | None:
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_dev, status.st_ino
