"""Measures what revocations cost: a check of an identity, and the memory of one revocation.

    python -m benchmarks.revocations

A check must take at most 5 µs of CPU time with 10,000 revocations, and no longer than with few.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Sequence

from longwire.server import Identity
from longwire.server.access.revocations import Revocation, Revocations, Target

COUNT = 10_000
CHECKS = 20_000
ROUNDS = 7
BOUND_US = 5.0


def fill(count: int) -> Revocations:
    """Return `count` revocations: of users, of their older tokens, and of single tokens."""
    revocations = Revocations()
    until = time.time() + 3600
    for number in range(count):
        kind = ("user", "issued", "token")[number % 3]
        issued_before = until - 7200 if kind == "issued" else None
        target = Target(kind, f"{kind}-{number}")
        revocations.receive(target.key, Revocation(until, issued_before))
    return revocations


def identities(count: int) -> list[Identity]:
    """Return users whose tokens are valid, and one in ten whose tokens are not."""
    now = time.time()
    claims = ({"iat": now, "jti": f"valid-{number}"} for number in range(count))
    return [
        Identity(f"user-{3 * number}" if number % 10 == 0 else f"other-{number}", claims=each)
        for number, each in enumerate(claims)
    ]


def microseconds(revocations: Revocations, users: Sequence[Identity]) -> float:
    """Return the CPU time of one check: the fastest of several rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for number in range(CHECKS):
            revocations.is_revoked(users[number % len(users)])
        best = min(best, time.process_time() - start)
    return best / CHECKS * 1e6


def main() -> int:
    """Print the figures; return 1 if a check takes too long."""
    users = identities(1_000)
    tracemalloc.start()
    full = fill(COUNT)
    memory, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    times = {count: microseconds(fill(count), users) for count in (0, 3, 100)}
    times[COUNT] = microseconds(full, users)
    for count, spent in times.items():
        print(f"{count:>6} revocations: {spent:.2f} µs for a check")
    print(
        f"{memory / COUNT:.0f} bytes for a revocation, without its entry in the table and the log"
    )
    return int(times[COUNT] > BOUND_US)


if __name__ == "__main__":
    sys.exit(main())
