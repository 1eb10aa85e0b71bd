"""Counts of a node since it started, as plain numbers that cost an addition each."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class Statistics:
    """Counters of one node. They only grow.

    Attributes:
        published: Events that were published through this node, by name.
        refused: Publications that were refused, by error code.
        deliveries: Writes of an event to a member, from the fan-out or from the log.
        resumes: Joins with a position that continued there.
        resets: Joins with a position that was gone, so that the retained log was replayed.
        replayed: Entries, or frames of several, that were read from the log for a member.
        signed_in: Clients that signed in.
        refused_sign_ins: Sign-ins that were refused, by error code.
        closed: Connections that ended, by reason.
    """

    published: Counter[str] = field(default_factory=Counter[str])
    refused: Counter[str] = field(default_factory=Counter[str])
    deliveries: int = 0
    resumes: int = 0
    resets: int = 0
    replayed: int = 0
    signed_in: int = 0
    refused_sign_ins: Counter[str] = field(default_factory=Counter[str])
    closed: Counter[str] = field(default_factory=Counter[str])
