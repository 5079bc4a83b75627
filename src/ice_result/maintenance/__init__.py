"""Maintenance of unfinished work: parked events are retried, and expected jobs are looked up.

The timer of the function and the operator's commands both use these modules.
"""

from __future__ import annotations

from ice_result.maintenance.expected import check_expected, new_notes
from ice_result.maintenance.listing import ParkedEntry, list_parked
from ice_result.maintenance.retry import ParkedEnvelope, RetryResult, discard, due, read_envelopes, retry
from ice_result.maintenance.timer import run_maintenance

__all__ = [
    "ParkedEntry",
    "ParkedEnvelope",
    "RetryResult",
    "check_expected",
    "discard",
    "due",
    "list_parked",
    "new_notes",
    "read_envelopes",
    "retry",
    "run_maintenance",
]
