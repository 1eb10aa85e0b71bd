"""The log of a room: positions, retention, conflation and recovery. Sans-IO.

publication   what a log holds (`Draft`, `Publication`) and what a read returns (`History`)
room_log      the retained log of one room
retention     the bounds of that log
condition     what must hold for an append: the attempt of a job, the position of a value
conflation    merging publications without losing any entry for a reader that resumes
joined_text   adjacent `Concat` entries joined into one
merge         the cursor of a reader: duplicate, next or gap
"""

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
