"""Room logs: positions, retention, conflation, recovery. Pure; used by brokers and both ends.

publication   what a log holds (`Draft`, `Publication`) and what a read answers (`History`)
room_log      the retained log of one room
retention     its bounds
joined_text   adjacent text pieces folded into one entry
conflation    fewer publications that mean the same, and the rule that keeps resume exact
merge         a reader's cursor: duplicate, next, or gap
"""

from longwire.log.conflation import conflate
from longwire.log.merge import Cursor, Verdict
from longwire.log.publication import Draft, History, Publication
from longwire.log.retention import RetentionLimits
from longwire.log.room_log import Erasure, RoomLog

__all__ = [
    "Cursor",
    "Draft",
    "Erasure",
    "History",
    "Publication",
    "RetentionLimits",
    "RoomLog",
    "Verdict",
    "conflate",
]
