"""Ids of sessions, which show the node that opened them.

A session of long-polling is at one node. A load balancer that sends its requests to any node makes
the client start again and again, and no node fails: each of them answers what a stock server
answers to an id that it does not know. With the id one can see that it was opened seconds ago by
another node.
"""

from __future__ import annotations

import binascii
import logging
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from longwire.clock import clock

logger = logging.getLogger("longwire.server")

# Bytes: what a request has to know, the node, and the time of opening in seconds. Together they
# are a multiple of three, so that the text has no padding.
_SECRET: Final = 16
_NODE: Final = 3
_TIME: Final = 5

# Seconds in which a session is new. A client that is moved because its node failed is older.
_NEW: Final = 10.0

# Requests for new sessions of other nodes after which the balancer is to blame, not a node that
# failed right after it had opened a session.
_ENOUGH: Final = 3

# Seconds after which the warning is repeated.
_REPEAT_AFTER: Final = 60.0


class SessionIds:
    """Creates the ids of one node, and recognises those of others."""

    def __init__(self) -> None:
        self._node = secrets.token_bytes(_NODE)
        self._foreign = 0
        self._silent_until = 0.0

    def create(self) -> str:
        """Return an id with 128 random bits, which prove that a request belongs to the session."""
        time = int(clock.time()).to_bytes(_TIME)
        return urlsafe_b64encode(secrets.token_bytes(_SECRET) + self._node + time).decode()

    def receive_unknown(self, sid: str) -> None:
        """Note a request for a session that this node does not have; warn of a load balancer."""
        now = clock.monotonic()
        if now < self._silent_until or not self._is_new_and_foreign(sid):
            return
        self._foreign += 1
        if self._foreign >= _ENOUGH:
            self._foreign = 0
            self._silent_until = now + _REPEAT_AFTER
            logger.warning(
                "sessions of another node are asked for here, so clients that poll cannot "
                "connect: the load balancer must be sticky (all requests with one `sid` to one "
                "node), or clients must use WebSocket only"
            )

    def _is_new_and_foreign(self, sid: str) -> bool:
        try:
            raw = urlsafe_b64decode(sid.encode("ascii"))
        except (ValueError, binascii.Error):
            return False
        if len(raw) != _SECRET + _NODE + _TIME or raw[_SECRET:-_TIME] == self._node:
            return False
        return abs(clock.time() - int.from_bytes(raw[-_TIME:])) <= _NEW
