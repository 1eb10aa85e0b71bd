"""Whether and when to come back: a pure policy."""

from __future__ import annotations

from ssl import SSLCertVerificationError
from typing import TYPE_CHECKING

import msgspec
from websockets.exceptions import InvalidProxy

from longwire.errors import AuthenticationError, ConnectionRefused, OutboxFileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from longwire.client.options import ClientOptions
    from longwire.wire import Closing

# A connection that lasted less than this does not reset the backoff: a server that accepts and
# drops must not be hammered.
STABLE_AFTER = 5.0

# Nothing but other settings helps. A SOCKS proxy without its library is an ImportError.
FINAL = (ImportError, InvalidProxy, SSLCertVerificationError)

_TOKEN_REASONS = frozenset({"token_expired", "token_revoked"})


class Ended(msgspec.Struct, frozen=True):
    """How one attempt ended.

    Attributes:
        error: why, as a person shall see it.
        lasted: seconds for which it was connected; None if it never was.
        advice: the server's word, which wins over everything but a missing token.
        is_final: whether nothing but a change of the settings helps.
    """

    error: Exception
    lasted: float | None = None
    advice: Closing | None = None
    is_final: bool = False

    @property
    def wants_token(self) -> bool:
        """Whether only another token can help."""
        if self.advice is not None:
            return self.advice.reason in _TOKEN_REASONS
        return isinstance(self.error, ConnectionRefused)


def is_final(error: Exception) -> bool:
    """Whether another attempt with the same settings would fail as well."""
    if isinstance(error, OutboxFileError):
        return not error.is_in_use
    return isinstance(error, FINAL)


class Backoff:
    """Full-jitter exponential backoff.

    Args:
        options: the first and the largest upper bound.
        random: returns a number in [0, 1).
    """

    __slots__ = ("_options", "_random")

    def __init__(self, options: ClientOptions, random: Callable[[], float]) -> None:
        self._options = options
        self._random = random

    def delay(self, attempt: int) -> float:
        """Return how many seconds to wait before an attempt; the first one is 1."""
        bound = self._options.reconnection_delay * 2.0 ** min(attempt - 1, 32)
        return self._random() * min(bound, self._options.reconnection_delay_max)


class ReconnectionPolicy:
    """Decides after every end how long to wait, with full-jitter exponential backoff.

    Args:
        options: delays and number of attempts.
        can_refresh: whether the token comes from a provider, which may have another one.
        random: returns a number in [0, 1).
    """

    __slots__ = ("_backoff", "_can_refresh", "_has_refreshed", "_options", "attempts")

    def __init__(
        self, options: ClientOptions, can_refresh: Callable[[], bool], random: Callable[[], float]
    ) -> None:
        self._options = options
        self._can_refresh = can_refresh
        self._backoff = Backoff(options, random)
        self._has_refreshed = False
        self.attempts = 0

    def reset(self) -> None:
        """Forget the failures: somebody asked to start again."""
        self.attempts = 0
        self._has_refreshed = False

    def next_delay(self, ended: Ended) -> float | None:
        """Return after how many seconds to try again; None means not to."""
        lasted = ended.lasted is not None and ended.lasted >= STABLE_AFTER
        if lasted:
            self.attempts = 0
        if lasted or not ended.wants_token:
            self._has_refreshed = False
        if isinstance(ended.error, AuthenticationError) or not self._options.reconnection:
            return None
        if ended.wants_token:
            return self._delay_for_token(ended)
        if ended.is_final or (ended.advice is not None and not ended.advice.reconnect):
            return None
        return self._delay(ended)

    def _delay_for_token(self, ended: Ended) -> float | None:
        if not self._can_refresh():
            return None
        if not self._has_refreshed:
            self._has_refreshed = True
            return 0.0
        # A provider whose new token is refused too has nothing better. One that was taken, and
        # taken back at once, may be asked again, but not without a pause.
        return None if ended.lasted is None else self._delay(ended)

    def _delay(self, ended: Ended) -> float | None:
        self.attempts += 1
        limit = self._options.reconnection_attempts
        if limit is not None and self.attempts > limit:
            return None
        return self._backoff.delay(self.attempts) + (
            ended.advice.retry_after if ended.advice else 0.0
        )
