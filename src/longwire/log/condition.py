"""Conditions of an append, checked by a broker in the same atomic step as the append itself.

A *fence* binds an append to one attempt of the job whose log this is. Task queues deliver a task
again when its worker is slow: without a fence, the late output of attempt 1 enters the log of
attempt 2, and the end of one attempt ends the other. `expect` is compare-and-set on one value.
"""

from typing import Literal

import msgspec

from longwire.errors import Conflict, JobEnded, StaleAttempt
from longwire.log.publication import Publication
from longwire.types import Position

FenceAction = Literal["append", "create", "claim", "end", "withdraw"]


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """What a room remembers of its job's attempts. It outlives the entries of the log.

    Attributes:
        number: the newest attempt; 0 before the first one.
        is_claimed: whether a worker runs or ran it.
        has_ended: whether it ended. The server's guess that a worker is lost does not end it.
    """

    number: int = 0
    is_claimed: bool = False
    has_ended: bool = False


NO_ATTEMPT = Attempt()


class Fence(msgspec.Struct, frozen=True, gc=False):
    """The attempt to which an append belongs, and what the append does to that attempt.

    Attributes:
        attempt: the number of the attempt, from 1. With `end`, 0 stands for the current attempt.
        action: `append` writes within the attempt. `create` begins an attempt for which there is
            no worker yet. `claim` begins one for a worker, or takes the one that was created.
            `end` ends the attempt. `withdraw` ends it unless a worker has claimed it.
    """

    attempt: int
    action: FenceAction = "append"


class Condition(msgspec.Struct, frozen=True, gc=False):
    """What must hold for a draft to be appended.

    Attributes:
        fence: the attempt of the append, if it belongs to one.
        expect: where the newest entry of the draft's event and slot must be; None if there must
            not be one. Not set: not checked.
    """

    fence: Fence | None = None
    expect: Position | msgspec.UnsetType | None = msgspec.UNSET


def check(
    condition: Condition, current: Attempt, newest: Publication | None, epoch: str
) -> Attempt:
    """Return what the room remembers of its attempts after an append with this condition.

    Args:
        condition: the condition.
        current: what the room remembers now.
        newest: the newest entry of the draft's event and slot; not used without `expect`.
        epoch: the epoch of the log.

    Raises:
        StaleAttempt: there is a newer attempt, or another worker has claimed this one.
        JobEnded: the attempt has ended.
        Conflict: the newest entry is not at the expected position.
    """
    attempt = current if condition.fence is None else check_fence(current, condition.fence)
    if condition.expect is not msgspec.UNSET:
        position = None if newest is None else Position(epoch, newest.last)
        if position != condition.expect:
            raise Conflict(position, None if newest is None else msgspec.json.decode(newest.data))
    return attempt


def check_fence(current: Attempt, fence: Fence) -> Attempt:
    """Return what the room remembers after an append with this fence.

    Raises:
        StaleAttempt: there is a newer attempt, or another worker has claimed this one.
        JobEnded: the attempt has ended.
    """
    is_current = fence.attempt == current.number and current.is_claimed and not current.has_ended
    if is_current and fence.action == "append":
        return current  # nearly every append of a worker
    if fence.action in ("create", "claim"):
        return _begin(current, fence)
    if fence.action == "end" and fence.attempt == 0:
        return Attempt(current.number, current.is_claimed, has_ended=True)
    if fence.attempt < current.number:
        raise StaleAttempt(current.number)
    if fence.attempt == current.number and current.has_ended:
        raise JobEnded
    if fence.action == "withdraw":
        if current.is_claimed or fence.attempt != current.number:
            raise StaleAttempt(current.number)
        return Attempt(current.number, has_ended=True)
    # A number above the room's: the log lost its tail, and the worker continues.
    return Attempt(fence.attempt, is_claimed=True, has_ended=fence.action == "end")


def _begin(current: Attempt, fence: Fence) -> Attempt:
    is_claim = fence.action == "claim"
    if current.number == 0 or fence.attempt == current.number + 1:
        return Attempt(fence.attempt, is_claim)
    if not is_claim or fence.attempt != current.number or current.is_claimed:
        raise StaleAttempt(current.number)
    if current.has_ended:  # cancelled before a worker took it
        raise JobEnded
    return Attempt(fence.attempt, is_claimed=True)
