"""When a silent job must renew its lease."""

from __future__ import annotations

import pytest

from longwire.jobs.lease import DEFAULT_LEASE, Lease


def test_a_renewal_is_due_after_a_third_of_the_lease() -> None:
    lease = Lease(DEFAULT_LEASE, now=100.0)
    assert lease.next_deadline() == 105.0
    assert not lease.is_due(104.9)
    assert lease.is_due(105.0)


def test_every_event_renews_the_lease() -> None:
    lease = Lease(3.0, now=0.0)
    lease.renew(0.9)
    assert not lease.is_due(1.0)
    assert lease.next_deadline() == 1.9


@pytest.mark.parametrize("duration", [0, -1])
def test_a_duration_must_be_positive(duration: float) -> None:
    with pytest.raises(ValueError, match="lease must be > 0"):
        Lease(duration, now=0.0)
