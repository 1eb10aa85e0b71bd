"""The log of a room: positions, retention, conflation and recovery. Sans-IO."""

from longwire.log.condition import Attempt, Condition, Fence
from longwire.log.conflation import conflate
from longwire.log.merge import Cursor, Verdict
from longwire.log.publication import Draft, History, Publication
from longwire.log.retention import RetentionLimits
from longwire.log.room_log import Erasure, RoomLog

__all__ = [
    "Attempt",
    "Condition",
    "Cursor",
    "Draft",
    "Erasure",
    "Fence",
    "History",
    "Publication",
    "RetentionLimits",
    "RoomLog",
    "Verdict",
    "conflate",
]
