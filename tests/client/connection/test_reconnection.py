"""When to reconnect: backoff, advice, tokens."""

from __future__ import annotations

import pytest

from longwire.client.connection.reconnection import Ended, ReconnectionPolicy
from longwire.client.options import ClientOptions
from longwire.errors import AuthenticationError, ConnectionRefused, NotConnected
from longwire.wire import Closing

DROPPED = Ended(NotConnected("gone"), lasted=0.1)
REFUSED = Ended(ConnectionRefused("no"))


def policy(*, jitter: float = 1.0, refresh: bool = False, **options: object) -> ReconnectionPolicy:
    settings = ClientOptions(url="http://a", **options)
    return ReconnectionPolicy(settings, lambda: refresh, lambda: jitter)


def test_the_backoff_doubles_up_to_its_maximum() -> None:
    subject = policy(reconnection_delay=1.0, reconnection_delay_max=5.0)
    assert [subject.next_delay(DROPPED) for _ in range(5)] == [1, 2, 4, 5, 5]


def test_the_backoff_never_overflows() -> None:
    subject = policy()
    assert [subject.next_delay(DROPPED) for _ in range(2000)][-1] == 30.0


def test_jitter_is_full() -> None:
    subject = policy(jitter=0.0)
    assert [subject.next_delay(DROPPED) for _ in range(5)] == [0] * 5


def test_only_a_stable_connection_resets_the_backoff() -> None:
    subject = policy()
    assert [subject.next_delay(DROPPED) for _ in range(3)] == [1, 2, 4]
    assert subject.next_delay(Ended(NotConnected("x"), lasted=60.0)) == 1


def test_attempts_are_counted() -> None:
    subject = policy(reconnection_attempts=2)
    assert [subject.next_delay(DROPPED) for _ in range(3)] == [1, 2, None]
    subject.reset()
    assert subject.next_delay(DROPPED) == 1


def test_the_servers_advice_wins() -> None:
    stay_away = Closing(reason="limit_exceeded", message="x", reconnect=False)
    assert policy().next_delay(Ended(NotConnected("x"), 1.0, stay_away)) is None
    later = Closing(reason="server_shutdown", message="x", reconnect=True, retry_after=7.0)
    assert policy().next_delay(Ended(NotConnected("x"), 1.0, later)) == 8.0


def test_a_close_without_advice_reconnects() -> None:
    assert policy().next_delay(Ended(NotConnected("x"), 1.0)) == 1


@pytest.mark.parametrize(
    "ended",
    [
        REFUSED,
        Ended(NotConnected("a wrong certificate"), is_final=True),
        Ended(AuthenticationError("the provider says no")),
        Ended(
            NotConnected("x"), 1.0, Closing(reason="token_expired", message="x", reconnect=False)
        ),
    ],
)
def test_the_client_gives_up_if_retrying_cannot_help(ended: Ended) -> None:
    assert policy().next_delay(ended) is None


def test_a_provider_is_called_once_after_a_rejection() -> None:
    subject = policy(refresh=True)
    assert [subject.next_delay(REFUSED) for _ in range(2)] == [0.0, None]
    subject = policy(refresh=True)
    assert subject.next_delay(REFUSED) == 0.0
    assert subject.next_delay(DROPPED) == 1  # it was connected in between
    assert subject.next_delay(REFUSED) == 0.0


def test_tokens_that_are_revoked_repeatedly_back_off() -> None:
    """Regression: the client reconnected without a pause while its provider had no better token."""
    subject = policy(refresh=True)
    revoked = Closing(reason="token_revoked", message="x", reconnect=False)
    at_once, later = (Ended(NotConnected("x"), lasted, revoked) for lasted in (0.1, 60.0))
    assert [subject.next_delay(at_once) for _ in range(4)] == [0.0, 1, 2, 4]
    assert subject.next_delay(later) == 0.0


def test_a_rejection_after_an_outage_counts_as_the_first() -> None:
    """Regression: a token that expired before and again during an outage was final."""
    subject = policy(refresh=True)
    unreachable = Ended(NotConnected("unreachable"))
    ends = (REFUSED, unreachable, unreachable, REFUSED, REFUSED)
    assert [subject.next_delay(ended) for ended in ends] == [0.0, 1, 2, 0.0, None]


def test_reconnection_can_be_disabled() -> None:
    assert policy(reconnection=False).next_delay(DROPPED) is None
