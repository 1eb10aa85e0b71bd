"""Warns of servers that look like one and share nothing."""

from __future__ import annotations

import logging

from longwire.broker import Broker

logger = logging.getLogger("longwire.server")


def warn_of_split(broker: Broker, workers: int) -> None:
    """Log an error if several processes serve one application, each with its own logs in memory.

    A client then receives what is published in the process that it is connected to, and nothing
    else. A file needs no warning: only one process can open it.

    Args:
        broker: of this process.
        workers: how many processes serve the application.
    """
    if workers > 1 and not broker.is_shared and not broker.is_durable:
        logger.error(
            "%d worker processes keep their event logs in memory, and share nothing: clients miss "
            "what is published in another process. Pass a RedisBroker, or run one worker",
            workers,
        )
