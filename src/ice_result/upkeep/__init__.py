"""What is left undone and not forgotten: parked events, and jobs that are expected.

A timer brings the function here, and an operator the command line.
"""

from ice_result.upkeep.expected import leave_notes, new_notes, sweep
from ice_result.upkeep.listing import Kept, kept
from ice_result.upkeep.parked import Envelope, Retried, discard, due, read_each, retry
from ice_result.upkeep.timer import see_to

__all__ = [
    "Envelope",
    "Kept",
    "Retried",
    "discard",
    "due",
    "kept",
    "leave_notes",
    "new_notes",
    "read_each",
    "retry",
    "see_to",
    "sweep",
]
