"""What tests of applications need: a record of what was said and heard, and the proof of it.

history     records what was published and what every reader applied
record      what is recorded
proof       judges whether each offset was applied once and in order
known_log   judges whether what was applied is what was published
"""

from longwire.testing.history import History, Reader
from longwire.testing.proof import Proof
from longwire.testing.record import Attempt, BrokenPromise, Fault, Frame

__all__ = ["Attempt", "BrokenPromise", "Fault", "Frame", "History", "Proof", "Reader"]
