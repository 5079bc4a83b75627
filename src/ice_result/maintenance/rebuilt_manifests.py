"""The manifest of a stored job, built again: with what the stored one knows of the files, or with new look-ups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ice_result.core.calls import begin, result_of
from ice_result.core.oss_address import ObjectAddress
from ice_result.jobs.sizes import LargeJobQueue, Turn
from ice_result.maintenance.stored_versions import (
    NotRewritableError,
    has_findings,
    is_complete,
    read_facts,
    read_findings,
    read_notes,
)
from ice_result.processing.judging import FoundFiles, JobJudge, RulesInUse, still_valid
from ice_result.processing.look_ups import look_up_files
from ice_result.records import Manifest, ObjectFacts, ObjectInspector, OutputFiles, Record, build_manifest
from ice_result.records.model import CONTENT_OF_ROLES, NO_ANSWER
from ice_result.rules.model import EarlierCheck
from ice_result.sinks.base import StoredBytes

if TYPE_CHECKING:
    from ice_result.contents.model import Content, ContentSource

_AT_ONCE = 8  # files of one job
_NOT_LOOKED_UP = ObjectFacts(
    exists=None,
    problem="not_checked",
    message="this version finds this file in the response; it was not looked up, because "
    "ICE_RESULT_VERIFY_OUTPUTS is off",
)


class RebuiltJob(NamedTuple):
    """A job as this version decodes it, and as it is stored.

    `source` is the job in the store that is read, and `elsewhere` in each other store.
    """

    record: Record
    files: OutputFiles
    source: StoredBytes
    elsewhere: Iterator[StoredBytes]

    @property
    def addresses(self) -> list[ObjectAddress]:
        """Addresses of the files."""
        return [file.address for file in self.files.files if file.address]


ManifestSource: TypeAlias = Callable[[RebuiltJob], Manifest]
"""Builder of the manifest of a stored job. Raises NotRewritableError."""


def stored_manifest(inspector: ObjectInspector | None, job: RebuiltJob) -> Manifest:
    """Build the manifest with what is stored of the files: in the source, or in a store with the only complete one.

    No file that is known is read or looked up. One that the stored manifest does not have is looked up by the
    `inspector`, if there is one.
    """
    stored, known = job.source, None
    if not is_complete(job.source) and not has_findings(job.source):  # these are newer, or of a check that read more
        stored, known = next(_complete_elsewhere(job), (job.source, None))
    known = known or read_facts(stored)
    content_notes = read_notes(job.source)
    if known is None:
        return build_manifest(job.record, job.files, None, content_notes)

    def look_up(address: ObjectAddress) -> ObjectFacts:
        return inspector.facts(address) if inspector else _NOT_LOOKED_UP

    facts = {address: known.get(address.uri) or look_up(address) for address in job.addresses}
    found = still_valid(job.record, job.files, facts, EarlierCheck(known, read_findings(stored)))
    return build_manifest(job.record, job.files, facts, (*content_notes, *found.notes), found.problems)


def _complete_elsewhere(job: RebuiltJob) -> Iterator[tuple[StoredBytes, Mapping[str, ObjectFacts]]]:
    """Yield the complete manifests of the same files in other stores."""
    for each in job.elsewhere:
        facts = read_facts(each) if is_complete(each) else None
        if facts and facts.keys() == {address.uri for address in job.addresses}:
            yield each, facts


class Verifier:
    """Builder of manifests with new look-ups of every file, to which the rules are applied anew.

    Without `rules`, files are not read. What could not be checked now is kept of files that have not changed: their
    media, and what rules found of them. `contents` reads those that rules compare; with None, none are read.
    """

    def __init__(
        self, inspector: ObjectInspector, rules: RulesInUse | None, contents: ContentSource | None = None
    ) -> None:
        self._inspector = inspector
        self._judge = JobJudge(rules)
        self._contents = contents if rules else None
        self._large_contents = LargeJobQueue()

    def manifest(self, job: RebuiltJob) -> Manifest:
        """Look up every file. Raises NotRewritableError when one cannot be reached, since nothing new is known then.

        The same holds for a look-up without an answer where the stored manifest has findings about contents.
        """
        inputs = begin(partial(self._judge.look_up_inputs, job.record))
        facts = look_up_files(self._inspector, job.addresses, _AT_ONCE)
        known_inputs = result_of(inputs)
        unreachable = [each for each in facts.values() if each.problem == "unreachable"]
        if unreachable:
            raise NotRewritableError(
                "unreachable", f"{len(unreachable)} of {len(job.files.files)} files: {unreachable[0].message}"
            )
        unanswered = next((each for each in facts.values() if each.problem in NO_ANSWER), None)
        if unanswered and has_findings(job.source):
            raise NotRewritableError(
                str(unanswered.problem), f"{unanswered.message}; what an earlier check found stays"
            )
        with Turn(self._large_contents) as turn:
            found = FoundFiles(job.record, job.files, facts, known_inputs, self._read_contents(job, turn))
            checked, findings = self._judge.judge(found, _earlier(job))
        notes = (*read_notes(job.source), *findings.notes)
        return build_manifest(job.record, job.files, checked, notes, findings.problems)

    def _read_contents(self, job: RebuiltJob, turn: Turn) -> Sequence[Content]:
        """Read the contents that rules compare. Stored ones may be those of earlier files."""
        if self._contents is None or not any(file.role in CONTENT_OF_ROLES for file in job.files.files):
            return ()
        from ice_result.processing.read_contents import read_contents  # noqa: PLC0415  only where there are some

        return read_contents(self._contents, job.record, job.files, turn.take).contents


def _earlier(job: RebuiltJob) -> list[EarlierCheck]:
    """Return what the stored manifest knows; nothing without one, or with one that left its files out."""
    try:
        return [EarlierCheck(read_facts(job.source) or {}, read_findings(job.source))]
    except NotRewritableError:
        return []
