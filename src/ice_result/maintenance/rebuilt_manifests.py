"""The manifest of a stored job, built again: with what the stored one knows of the files, or with new look-ups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ice_result.core.calls import in_order
from ice_result.core.oss_address import ObjectAddress
from ice_result.errors import StorageError
from ice_result.maintenance.stored_versions import (
    NotRewritableError,
    is_complete,
    read_facts,
    read_findings,
    read_notes,
)
from ice_result.processing.judging import JobJudge
from ice_result.records import Manifest, ObjectFacts, ObjectInspector, OutputFiles, Record, build_manifest
from ice_result.records.model import CONTENT_OF_ROLES
from ice_result.rules.model import Judgement, RuleChoice
from ice_result.sinks.base import StoredBytes

if TYPE_CHECKING:
    from ice_result.contents.model import Content

_AT_ONCE = 8  # files of one job
_NOT_LOOKED_UP = ObjectFacts(
    exists=None,
    problem="not_checked",
    message="this version finds this file in the response; it was not looked up, because "
    "ICE_RESULT_VERIFY_OUTPUTS is off",
)


class RebuiltJob(NamedTuple):
    """A job as this version decodes it, and as it is stored.

    `source` is the job in the store that is read, and `elsewhere` in each other store; `contents` reads its contents.
    """

    record: Record
    files: OutputFiles
    source: StoredBytes
    elsewhere: Iterator[StoredBytes]
    contents: Callable[[], Iterable[Content]]

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
    if not is_complete(job.source):
        stored, known = next(_complete_elsewhere(job), (job.source, None))
    known = known or read_facts(stored)
    content_notes = read_notes(job.source)
    if known is None:
        return build_manifest(job.record, job.files, None, content_notes)

    def look_up(address: ObjectAddress) -> ObjectFacts:
        return inspector.facts(address) if inspector else _NOT_LOOKED_UP

    facts = {address: known.get(address.uri) or look_up(address) for address in job.addresses}
    found = _still_valid(read_findings(stored), job.record)
    return build_manifest(job.record, job.files, facts, (*content_notes, *found.notes), found.problems)


def _complete_elsewhere(job: RebuiltJob) -> Iterator[tuple[StoredBytes, Mapping[str, ObjectFacts]]]:
    """Yield the complete manifests of the same files in other stores."""
    for each in job.elsewhere:
        facts = read_facts(each) if is_complete(each) else None
        if facts and facts.keys() == {address.uri for address in job.addresses}:
            yield each, facts


def _still_valid(found: Judgement, record: Record) -> Judgement:
    """Return the findings of rules; none if the job is no success for this version, because it is not checked."""
    return found if record.outcome == "ok" else Judgement()


class Verifier:
    """Builder of manifests with new look-ups of every file, to which the rules are applied anew.

    Without `rules`, files are not read: those that have not changed keep their media, and what rules found of them.
    """

    def __init__(self, inspector: ObjectInspector, rules: RuleChoice | None) -> None:
        self._inspector = inspector
        self._judge = JobJudge(rules) if rules else None

    def manifest(self, job: RebuiltJob) -> Manifest:
        """Look up every file. Raises NotRewritableError when one cannot be reached, since nothing new is known then."""
        inputs = self._judge.inputs(job.record) if self._judge else ()
        addresses = [*dict.fromkeys((*job.addresses, *inputs))]
        facts = dict(zip(addresses, in_order(self._inspector.facts, addresses, _AT_ONCE), strict=True))
        unreachable = [facts[address] for address in job.addresses if facts[address].problem == "unreachable"]
        if unreachable:
            raise NotRewritableError(
                "unreachable", f"{len(unreachable)} of {len(job.files.files)} files: {unreachable[0].message}"
            )
        if self._judge:
            found = self._judge.judge(job.record, job.files, facts, _known_contents(job))
        else:
            facts, found = _with_stored(facts, job)
        notes = (*read_notes(job.source), *found.notes)
        return build_manifest(job.record, job.files, facts, notes, found.problems)


def _known_contents(job: RebuiltJob) -> Sequence[Content]:
    """Read the stored contents; none where they cannot be read, since the files are verified without them."""
    if not any(file.role in CONTENT_OF_ROLES for file in job.files.files):
        return ()
    try:
        return tuple(job.contents())
    except StorageError:
        return ()


def _with_stored(
    facts: Mapping[ObjectAddress, ObjectFacts], job: RebuiltJob
) -> tuple[dict[ObjectAddress, ObjectFacts], Judgement]:
    """Add the stored media of the files that have not changed; return what rules found if no file has changed."""
    try:
        known = read_facts(job.source) or {}
    except NotRewritableError:  # no manifest, or one that left its files out
        return dict(facts), Judgement()
    added, is_same = dict(facts), True
    for address, now in facts.items():
        before = known.get(address.uri)
        if before and now.etag and (before.etag, before.size_bytes) == (now.etag, now.size_bytes):
            added[address] = now._replace(media=before.media, defect=before.defect)
        else:
            is_same = False
    return added, _still_valid(read_findings(job.source), job.record) if is_same else Judgement()
