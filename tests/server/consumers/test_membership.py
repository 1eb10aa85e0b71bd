"""Which node works on which shard."""

from __future__ import annotations

from collections import Counter

from longwire.server.consumers.membership import SHARDS, SILENCE, Beat, Membership


def owners(*members: Membership) -> Counter[int]:
    """How many members consider each shard their own."""
    return Counter(shard for member in members for shard in range(SHARDS) if member.is_own(shard))


def introduce(names: str, now: float = 0.0) -> list[Membership]:
    members = [Membership(name) for name in names]
    for member in members:
        for name in names:
            member.receive(Beat(node=name), now)
    return members


def test_a_node_alone_owns_everything() -> None:
    assert owners(Membership("a")) == Counter(range(SHARDS))


def test_nodes_in_contact_divide_the_shards_evenly() -> None:
    members = introduce("dbca")
    assert owners(*members) == Counter(range(SHARDS))
    assert {sum(map(member.is_own, range(SHARDS))) for member in members} == {SHARDS // 4}


def test_a_silent_node_is_forgotten_and_one_that_leaves_at_once() -> None:
    a, *_ = introduce("abc")
    a.receive(Beat(node="b"), SILENCE - 0.1)
    a.expire(SILENCE - 0.1)
    assert sum(map(a.is_own, range(SHARDS))) < SHARDS // 2
    a.expire(SILENCE)
    assert sum(map(a.is_own, range(SHARDS))) == SHARDS // 2
    a.receive(Beat(node="b", is_leaving=True), SILENCE)
    a.receive(Beat(node="unknown", is_leaving=True), SILENCE)
    assert owners(a) == Counter(range(SHARDS))


def test_what_another_node_holds_is_not_free() -> None:
    a = Membership("a")
    a.receive(Beat(node="a", shards=(1,)), 0)
    a.receive(Beat(node="b", shards=(2, 3)), 0)
    assert [shard for shard in range(5) if a.is_held(shard)] == [2, 3]
    a.receive(Beat(node="b", shards=(3,)), 1)
    assert [shard for shard in range(5) if a.is_held(shard)] == [3]
    a.expire(1 + SILENCE)
    assert not a.is_held(3)
