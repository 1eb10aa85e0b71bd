"""Decides whether and when to reconnect. Nothing here waits or reads a clock."""

from collections.abc import Callable
from dataclasses import dataclass
from ssl import SSLCertVerificationError

import msgspec
from websockets.exceptions import InvalidProxy

from longwire.client.options import ClientOptions
from longwire.errors import AuthenticationError, ConnectionRefused, OutboxFileError
from longwire.wire import Closing

# Seconds that a connection must last to reset the backoff. A server that accepts connections and
# drops them at once must not receive attempts without a pause.
STABLE_AFTER = 5.0

# Errors that only other settings fix. A SOCKS proxy without its library is an ImportError.
FINAL = (ImportError, InvalidProxy, SSLCertVerificationError)

_TOKEN_REASONS = frozenset({"token_expired", "token_revoked"})


class Ended(msgspec.Struct, frozen=True):
    """How one attempt ended.

    Attributes:
        error: The reason, as the client shows it.
        lasted: Seconds for which the client was connected; None if it never was.
        advice: The server's advice, which only the lack of a token overrides.
        is_final: Whether only other settings help.
    """

    error: Exception
    lasted: float | None = None
    advice: Closing | None = None
    is_final: bool = False

    @property
    def wants_token(self) -> bool:
        """Whether only another token helps."""
        if self.advice is not None:
            return self.advice.reason in _TOKEN_REASONS
        return isinstance(self.error, ConnectionRefused)


def is_final(error: Exception) -> bool:
    """Whether another attempt with the same settings would fail, too."""
    if isinstance(error, OutboxFileError):
        return not error.is_in_use
    return isinstance(error, FINAL)


@dataclass(eq=False, repr=False)
class Backoff:
    """Full-jitter exponential backoff.

    Args:
        options: The first and the largest upper bound.
        random: Returns a number in [0, 1).
        cap: Returns a lower upper bound than that of the options; None without one.
    """

    _options: ClientOptions
    _random: Callable[[], float]
    _cap: Callable[[], float | None] = lambda: None

    def delay(self, attempt: int) -> float:
        """Return how many seconds to wait before an attempt, counted from 1."""
        bound = self._options.reconnection_delay * 2.0 ** min(attempt - 1, 32)
        bound = min(bound, self._options.reconnection_delay_max)
        cap = self._cap()
        return self._random() * (bound if cap is None else min(bound, cap))


class ReconnectionPolicy:
    """Decides after every attempt how long to wait before the next one.

    Args:
        options: The delays and the number of attempts.
        can_refresh: Returns whether a provider may return another token.
        random: Returns a number in [0, 1).
        cap: Limits the backoff; see `Backoff`.

    Attributes:
        attempts: Failed attempts in a row.
    """

    def __init__(
        self,
        options: ClientOptions,
        can_refresh: Callable[[], bool],
        random: Callable[[], float],
        cap: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._options = options
        self._can_refresh = can_refresh
        self._backoff = Backoff(options, random, cap)
        self._has_refreshed = False
        self.attempts = 0

    def reset(self) -> None:
        """Forget the failures, because the caller asked to start again."""
        self.attempts = 0
        self._has_refreshed = False

    def next_delay(self, ended: Ended) -> float | None:
        """Return after how many seconds to try again; None to give up."""
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
        # If the server rejects the provider's new token as well, it is no use to call it again. If
        # the server accepted that token and then revoked it, a later call may help, after a pause.
        return None if ended.lasted is None else self._delay(ended)

    def _delay(self, ended: Ended) -> float | None:
        self.attempts += 1
        limit = self._options.reconnection_attempts
        if limit is not None and self.attempts > limit:
            return None
        return self._backoff.delay(self.attempts) + (
            ended.advice.retry_after if ended.advice else 0.0
        )
