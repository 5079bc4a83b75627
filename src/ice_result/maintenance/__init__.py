"""What is left undone and not forgotten: parked events, and jobs that are expected.

A timer brings the function here, and an operator the command line.
"""

from __future__ import annotations

from ice_result.maintenance.expected import new_notes, sweep
from ice_result.maintenance.listing import Kept, kept
from ice_result.maintenance.retry import Envelope, Retried, discard, due, read_each, retry
from ice_result.maintenance.timer import run_maintenance

__all__ = [
    "Envelope",
    "Kept",
    "Retried",
    "discard",
    "due",
    "kept",
    "new_notes",
    "read_each",
    "retry",
    "run_maintenance",
    "sweep",
]
