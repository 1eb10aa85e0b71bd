"""Which contracts the clients were built for, as far as they say so."""

from __future__ import annotations

import logging
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from longwire.schema import Contract

logger = logging.getLogger("longwire.server")

FINGERPRINT = re.compile(r"[0-9a-f]{16}")

# Fingerprints that are told apart. An application has few versions in use; a client that makes them
# up fills neither the memory nor the log.
MAX_KNOWN = 100


class Fingerprints:
    """Notices clients that were built for another contract than the server's.

    That is no fault: a worker may declare only what it needs, and a page that was loaded before an
    upgrade mostly goes on working. It is worth knowing all the same.
    """

    __slots__ = ("_contract", "_others")

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._others: Counter[str] = Counter()

    @property
    def others(self) -> Mapping[str, int]:
        """How many sign-ins there were of each other fingerprint, since the start."""
        return dict(self._others)

    def receive(self, fingerprint: object) -> str | None:
        """Take what a client says; return what it is told: the server's, if its own is another."""
        if not isinstance(fingerprint, str) or FINGERPRINT.fullmatch(fingerprint) is None:
            return None
        own = self._contract.fingerprint
        if fingerprint == own:
            return None
        if fingerprint in self._others:
            self._others[fingerprint] += 1
        elif len(self._others) < MAX_KNOWN:
            self._others[fingerprint] = 1
            logger.warning(
                "clients were built for the contract %s, this server has %s: events that differ "
                "may be refused, or not be understood",
                fingerprint,
                own,
                extra={"contract": fingerprint},
            )
        return own
