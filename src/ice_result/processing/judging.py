"""The rules, applied to jobs whose files were looked up, with what earlier checks of unchanged files found.

No check takes back what it could not repeat:

    file is there, and was not read (archived, a key of KMS, ICE_RESULT_PROBE=off) ──► its earlier media and defect
    rule was not applied, or lacks an input, a content or the bytes of a file      ──► its earlier findings
    the file has another size or ETag                                              ──► neither

Notes are kept only where the stored manifest is read anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ice_result.core.oss_address import ObjectAddress
from ice_result.processing.inputs import InputFiles
from ice_result.records import ObjectFacts, ObjectInspector, OutputFiles, Record

if TYPE_CHECKING:
    from ice_result.contents.model import Content
    from ice_result.rules.model import Case, EarlierCheck, Judgement, RuleChoice

Facts = Mapping[ObjectAddress, ObjectFacts]
_UNKNOWN = ObjectFacts(exists=None)


class RulesInUse(NamedTuple):
    """The chosen rules, and the inspector of the input files that they compare output files with."""

    choice: RuleChoice
    inputs: ObjectInspector


class FoundFiles(NamedTuple):
    """A job and what was found: facts of its files and inputs, and the contents that were read now."""

    record: Record
    files: OutputFiles
    facts: Facts
    inputs: Facts
    contents: Sequence[Content] = ()


class JobJudge:
    """Checks jobs with the chosen rules; with None, without rules. Any number of threads may use it at once.

    The rules are imported with the first successful job.
    """

    def __init__(self, rules: RulesInUse | None) -> None:
        self._choice = rules.choice if rules else None
        self._inputs = InputFiles(rules.inputs) if rules else None

    def look_up_inputs(self, record: Record) -> Facts:
        """Look up the files in OSS that the rules compare the output files of a job with."""
        if self._choice is None or self._inputs is None or record.outcome != "ok":
            return {}
        from ice_result.rules.judge import input_addresses  # noqa: PLC0415  only when rules are applied

        return self._inputs.facts(input_addresses(record, self._choice))

    def is_partial(self, found: FoundFiles) -> bool:
        """Return whether something could not be checked, so that an earlier check may know more."""
        if any(facts.exists and not facts.is_read for facts in found.facts.values()):
            return True
        if self._choice is None or found.record.outcome != "ok":
            return False
        from ice_result.rules.earlier import lacks_needs  # noqa: PLC0415  as above

        return lacks_needs(_case(found), self._choice)

    def judge(self, found: FoundFiles, checks: Iterable[EarlierCheck] = ()) -> tuple[Facts, Judgement]:
        """Apply the rules to a job. Returns the facts of its files, and the findings, with those of earlier checks."""
        from ice_result.rules.model import Judgement  # noqa: PLC0415  as above

        checks = [*checks]
        found = found._replace(facts=_with_known_media(found.facts, checks))
        if found.record.outcome != "ok":
            return found.facts, Judgement()
        case, findings = _case(found), Judgement()
        if self._choice is not None:
            from ice_result.rules.judge import judge  # noqa: PLC0415  as above

            findings = judge(case, self._choice)
        if any(any(check.findings) for check in checks):
            from ice_result.rules.earlier import with_earlier  # noqa: PLC0415  as above

            findings = with_earlier(findings, case, self._choice, checks)
        return found.facts, findings


def still_valid(record: Record, files: OutputFiles, facts: Facts, check: EarlierCheck) -> Judgement:
    """Return the findings of an earlier check about unchanged files; none for a job that is not successful."""
    from ice_result.rules.earlier import still_valid as valid  # noqa: PLC0415  as above
    from ice_result.rules.model import Judgement  # noqa: PLC0415  as above

    return valid(check, _case(FoundFiles(record, files, facts, {}))) if record.outcome == "ok" else Judgement()


def _case(found: FoundFiles) -> Case:
    from ice_result.rules.model import Case, CheckedFile  # noqa: PLC0415  as above

    checked = [
        CheckedFile(
            file.path, file.uri, file.role, found.facts.get(file.address, _UNKNOWN) if file.address else _UNKNOWN
        )
        for file in found.files.files
    ]
    return Case(found.record, checked, found.inputs, tuple(found.contents))


def _with_known_media(facts: Facts, checks: Sequence[EarlierCheck]) -> Facts:
    """Add the earlier media and defect of each file that is unchanged, and was not read now."""

    def with_media(address: ObjectAddress, now: ObjectFacts) -> ObjectFacts:
        if now.exists and not now.is_read:
            for check in checks:
                before = check.facts.get(address.uri)
                if before and now.has_bytes_of(before) and (before.media or before.defect):
                    return now._replace(media=before.media, defect=before.defect)
        return now

    return {address: with_media(address, now) for address, now in facts.items()} if checks else facts
