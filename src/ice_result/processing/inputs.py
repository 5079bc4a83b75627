"""Looking up the input files of jobs, which are compared with the output files, for at most three seconds."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from ice_result.core.deadline import Deadline, current_deadline, time_limit
from ice_result.core.oss_address import ObjectAddress
from ice_result.processing.event_log import write_input_bucket
from ice_result.processing.look_ups import look_up_files
from ice_result.records import ObjectFacts, ObjectInspector
from ice_result.records.model import LookUpProblem

_SECONDS_BEFORE_ASKING_AGAIN: Mapping[LookUpProblem | None, float] = {
    "forbidden": 600.0,
    "cross_region": 600.0,
    "no_such_bucket": 600.0,
    "unreachable": 60.0,
}
"""Time for which a bucket is not asked after an answer that is about all of it."""
_SHARE_OF_TIME, _MOST_SECONDS = 0.5, 3.0  # of the time for looking up files
_AT_ONCE = 4
_MOST_BUCKETS = 1000


class InputFiles:
    """Look-ups of input files. Any number of threads may use it at once.

    A bucket that refuses is not asked again for ten minutes, one that cannot be reached for one minute. The first
    answer of this kind from a bucket is a line of the event log.
    """

    def __init__(self, inspector: ObjectInspector) -> None:
        """`inspector` makes one attempt for each file, at a rate of its own: outputs do not wait for inputs."""
        self._inspector = inspector
        self._paused: dict[str, Deadline] = {}
        self._logged: set[str] = set()
        self._lock = threading.Lock()

    def facts(self, addresses: Iterable[ObjectAddress]) -> dict[ObjectAddress, ObjectFacts]:
        """Look files up in half of the time left, at most three seconds. Files of paused buckets are left out."""
        with self._lock:
            self._paused = {bucket: until for bucket, until in self._paused.items() if until.left()}
            asked = [address for address in addresses if address.bucket not in self._paused]
        deadline = current_deadline()
        with time_limit(deadline.part(_SHARE_OF_TIME).within(_MOST_SECONDS)):
            found = look_up_files(self._inspector, asked, _AT_ONCE)
        for address, facts in found.items():
            self._remember(address.bucket, facts, deadline)
        return found

    def _remember(self, bucket: str, facts: ObjectFacts, deadline: Deadline) -> None:
        seconds = _SECONDS_BEFORE_ASKING_AGAIN.get(facts.problem)
        if seconds is None:
            return
        with self._lock:
            if len(self._paused) < _MOST_BUCKETS:
                self._paused[bucket] = Deadline.after(seconds, deadline.clock)
            is_new = bucket not in self._logged and len(self._logged) < _MOST_BUCKETS
            if is_new:
                self._logged.add(bucket)
        if is_new:
            write_input_bucket(bucket, str(facts.problem), facts.message)
