"""Revoked users and tokens, as far as this node knows; see `longwire.server.control`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from longwire.clock import clock
from longwire.errors import AuthenticationError
from longwire.server.access.authentication import Identity


class Revocation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Refuses a user, or one token.

    Attributes:
        until: when it ends, in seconds since the epoch: no later than that a token it concerns can
            be valid.
        issued_before: refuses only the user's tokens that were issued before this time, in seconds
            since the epoch; None refuses all of them.
    """

    until: float
    issued_before: float | None = None

    def refuses(self, identity: Identity, now: float) -> bool:
        """Return whether it applies to a token of its user.

        A token without the time at which it was issued (`iat`) counts as issued before.
        """
        if self.until <= now:
            return False
        if self.issued_before is None:
            return True
        issued = identity.claims.get("iat")
        return not isinstance(issued, int | float) or issued < self.issued_before


class Target(NamedTuple):
    """The subject of a revocation.

    Attributes:
        kind: `user`, all tokens of a user; `issued`, those issued before a time; `token`, one.
        name: the user, or the id of the token (`jti`).
    """

    kind: str
    name: str

    @property
    def key(self) -> str:
        """The target as a key of the table."""
        return f"{self.kind} {self.name}"

    @classmethod
    def of(cls, key: str) -> Target:
        """Return the target of a key."""
        kind, _, name = key.partition(" ")
        return cls(kind, name)


class Revocations:
    """Checks identities; the cost does not depend on how many revocations there are.

    Args:
        now: returns the time in seconds since the epoch.
    """

    def __init__(self, now: Callable[[], float] = clock.time) -> None:
        self._now = now
        self._kinds: dict[str, dict[str, Revocation]] = {"user": {}, "issued": {}, "token": {}}
        self._users, self._issued, self._tokens = self._kinds.values()

    def __len__(self) -> int:
        return sum(map(len, self._kinds.values()))

    def receive(self, key: str, revocation: Revocation | None) -> None:
        """Record a change of the table; None ends a revocation."""
        target = Target.of(key)
        kind = self._kinds.get(target.kind)
        if kind is None:
            return  # of a newer version
        if revocation is None:
            kind.pop(target.name, None)
        else:
            kind[target.name] = revocation

    def is_revoked(self, identity: Identity) -> bool:
        """Return whether an identity must be refused."""
        token_id = identity.claims.get("jti") if self._tokens else None
        found = (
            self._users.get(identity.user_id),
            self._issued.get(identity.user_id),
            self._tokens.get(token_id) if isinstance(token_id, str) else None,
        )
        now = self._now()
        return any(each is not None and each.refuses(identity, now) for each in found)

    def check(self, identity: Identity) -> None:
        """Return if an identity may be used.

        Raises:
            AuthenticationError: it is revoked; the code is `token_revoked`.
        """
        if self.is_revoked(identity):
            raise AuthenticationError("the token was revoked", "token_revoked")

    def drop_ended(self) -> None:
        """Forget the revocations that have ended."""
        now = self._now()
        for kind in self._kinds.values():
            for name in [name for name, each in kind.items() if each.until <= now]:
                del kind[name]
