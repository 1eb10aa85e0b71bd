"""Counts clients that were built for another contract than the server's."""

import logging
import re
from collections import Counter
from collections.abc import Mapping
from sys import intern

from longwire.schema import Contract

logger = logging.getLogger("longwire.server")

FINGERPRINT = re.compile(r"[0-9a-f]{16}")

# Fingerprints that are counted. Few versions of an application are in use at once; the limit keeps
# a client that sends random ones from filling memory and log.
MAX_KNOWN = 100


class Fingerprints:
    """Logs and counts clients that were built for another contract than the server's.

    Such a client is not rejected: a worker may declare only the events that it needs, and a page
    loaded before an upgrade mostly keeps working.

    Attributes:
        own: the number of sign-ins with the server's own fingerprint.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._others: Counter[str] = Counter()
        self.own = 0

    @property
    def others(self) -> Mapping[str, int]:
        """The number of sign-ins for each other fingerprint since the server was created."""
        return dict(self._others)

    def receive(self, value: object) -> str | None:
        """Count a client's fingerprint; return the server's if it differs."""
        fingerprint = read_fingerprint(value)
        if fingerprint is None:
            return None
        own = self._contract.fingerprint
        if fingerprint == own:
            self.own += 1
            return None
        if fingerprint in self._others:
            self._others[fingerprint] += 1
        elif len(self._others) < MAX_KNOWN:
            self._others[fingerprint] = 1
            logger.warning(
                "clients were built for contract %s, this server has %s: events that differ may be "
                "rejected or ignored",
                fingerprint,
                own,
                extra={"contract": fingerprint},
            )
        return own


def read_fingerprint(value: object) -> str | None:
    """Return the fingerprint that a client sent; None if it is not one."""
    if not isinstance(value, str) or FINGERPRINT.fullmatch(value) is None:
        return None
    return intern(value)  # one string for all clients of a version
