"""The files that a job was made from, as far as the rules compare its outputs with them, and they may be read."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from ice_result.core.deadline import Deadline, current_deadline
from ice_result.core.oss_address import ObjectAddress
from ice_result.records.model import LookUpProblem, ObjectFacts

SECONDS_BEFORE_ASKING_AGAIN = 600.0
"""Time for which a bucket that refused is not asked for inputs."""
_MOST_BUCKETS = 1000
_OF_THE_BUCKET: frozenset[LookUpProblem] = frozenset({"forbidden", "cross_region", "no_such_bucket"})


class RefusedBuckets:
    """Buckets of inputs that refused to be read, each for ten minutes. Any number of threads may use it at once."""

    def __init__(self) -> None:
        self._until: dict[str, Deadline] = {}
        self._lock = threading.Lock()

    def without(self, addresses: Sequence[ObjectAddress]) -> list[ObjectAddress]:
        """Return the addresses in other buckets."""
        with self._lock:
            self._until = {bucket: until for bucket, until in self._until.items() if until.left()}
            return [address for address in addresses if address.bucket not in self._until]

    def add(self, found: Mapping[ObjectAddress, ObjectFacts]) -> None:
        """Remember the buckets that refused one of these look-ups, or are not there."""
        clock = current_deadline().clock
        with self._lock:
            for address, facts in found.items():
                if facts.problem in _OF_THE_BUCKET and len(self._until) < _MOST_BUCKETS:
                    self._until[address.bucket] = Deadline.after(SECONDS_BEFORE_ASKING_AGAIN, clock)
