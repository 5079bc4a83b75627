"""Application of the rules to jobs whose files were looked up, and the inputs to look up for this."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ice_result.core.deadline import Deadline, current_deadline
from ice_result.core.oss_address import ObjectAddress
from ice_result.records import ObjectFacts, OutputFiles, Record
from ice_result.records.model import LookUpProblem

if TYPE_CHECKING:
    from ice_result.contents.model import Content
    from ice_result.rules.model import Judgement, RuleChoice

SECONDS_BEFORE_ASKING_AGAIN = 600.0
"""Time for which inputs are not read from a bucket that refused access."""
_MOST_BUCKETS = 1000
_OF_THE_BUCKET: frozenset[LookUpProblem] = frozenset({"forbidden", "cross_region", "no_such_bucket"})
_UNKNOWN = ObjectFacts(exists=None)


class JobJudge:
    """Checks jobs with the chosen rules; with None, without rules. Any number of threads may use it at once.

    It remembers the buckets of inputs that refuse access, each for ten minutes. The rules are imported with the first
    successful job.
    """

    def __init__(self, rules: RuleChoice | None) -> None:
        self._rules = rules
        self._refused: dict[str, Deadline] = {}
        self._lock = threading.Lock()

    def inputs(self, record: Record) -> Sequence[ObjectAddress]:
        """Return the input files to look up together with the output files of a job."""
        if self._rules is None or record.outcome != "ok":
            return ()
        from ice_result.rules.judge import input_addresses  # noqa: PLC0415  only when rules are applied

        addresses = input_addresses(record, self._rules)
        with self._lock:
            self._refused = {bucket: until for bucket, until in self._refused.items() if until.left()}
            return [address for address in addresses if address.bucket not in self._refused]

    def judge(
        self,
        record: Record,
        files: OutputFiles,
        facts: Mapping[ObjectAddress, ObjectFacts],
        contents: Iterable[Content],
    ) -> Judgement:
        """Apply the rules to a job. `facts` has those of its files and inputs that were looked up."""
        from ice_result.rules.model import Case, CheckedFile, Judgement  # noqa: PLC0415  as above

        if self._rules is None or record.outcome != "ok":
            return Judgement()
        from ice_result.rules.judge import input_addresses, judge  # noqa: PLC0415  as above

        inputs = {each: facts[each] for each in input_addresses(record, self._rules) if each in facts}
        self._remember(inputs)
        checked = [
            CheckedFile(file.path, file.uri, file.role, facts.get(file.address, _UNKNOWN) if file.address else _UNKNOWN)
            for file in files.files
        ]
        present = {address: found for address, found in inputs.items() if found.exists}
        return judge(Case(record, checked, present, tuple(contents)), self._rules)

    def _remember(self, inputs: Mapping[ObjectAddress, ObjectFacts]) -> None:
        clock = current_deadline().clock
        with self._lock:
            for address, found in inputs.items():
                if found.problem in _OF_THE_BUCKET and len(self._refused) < _MOST_BUCKETS:
                    self._refused[address.bucket] = Deadline.after(SECONDS_BEFORE_ASKING_AGAIN, clock)
