"""Writing one job: its record and its manifest to all sinks, in two rounds of parallel calls.

    round 1: stage the record in every sink, look up each output file and the input, read and stage some contents
             apply the rules to what was found
    round 2: commit the manifest to every sink

No event takes back what an earlier event found out. So each sink is read before a record is written that may be worse
than the stored one, and before a manifest that is not complete, or for which something could not be checked:

    a better record                                             ──► stays, and is copied to the sinks without it
    a complete manifest of the same files, if the new problems  ──► the same
    are those of look-ups, or of other bytes than at that time
    what could not be checked now, of files that are unchanged  ──► media, defects and findings are those of that time
    the sink cannot be read                                     ──► nothing is written there: the sink refuses the job

The same holds for contents: a file that cannot be read any more keeps the content that is stored. While contents are
not read at all, the stored notes about them stay beside them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

from ice_result.core.calls import begin, result_of
from ice_result.core.deadline import current_deadline, time_limit
from ice_result.core.threads import Task
from ice_result.errors import IceResultError, StorageError
from ice_result.jobs.sizes import LargeJobQueue, Turn
from ice_result.processing.earlier_manifests import earlier_check, may_stay
from ice_result.processing.event_log import StageTimer
from ice_result.processing.judging import Facts, FoundFiles, JobJudge, RulesInUse
from ice_result.processing.look_ups import look_up_files
from ice_result.records import (
    Manifest,
    ObjectInspector,
    OutputFiles,
    Record,
    build_manifest,
    content_notes,
    with_content_notes,
)
from ice_result.records.model import CONTENT_OF_ROLES, SETTLED
from ice_result.sinks.base import Addresses, ContentsLeftOutError, Store, StoredJob
from ice_result.sinks.parked_events import ParkedEvents

if TYPE_CHECKING:
    from ice_result.contents.model import Content, ContentSource
    from ice_result.processing.read_contents import ReadContents

T = TypeVar("T")
_ContentsReader: TypeAlias = "Callable[[Callable[[], None]], ReadContents]"
CALLS_PER_JOB = 4
"""Maximum number of calls of one job at the same time."""
_SHARE_FOR_LOOKING_UP = 0.5  # of a job's time: a store that does not answer must leave time for the writes after it


class Stores(NamedTuple):
    """The sinks, the stores of parked events, and the inspector of output files; None when files are not looked up.

    `contents` is the source of the files whose content is read; None when none is. `rules` are the rules that are
    applied to what the inspector finds; None when none is.
    """

    sinks: Sequence[Store]
    parking_stores: Sequence[ParkedEvents]
    inspector: ObjectInspector | None
    contents: ContentSource | None = None
    rules: RulesInUse | None = None


class Target(NamedTuple):
    """The sinks that a job is written to, and the timer of its stages."""

    sinks: Sequence[Store]
    timer: StageTimer


class Written(NamedTuple):
    """Result of writing a job: the record and the manifest that the sinks have now, and their addresses.

    `refused` has the error of each target sink without the job. `files_missing` is true for a successful job that is
    recorded without any of its files for the first time.
    """

    record: Record
    manifest: Manifest
    addresses: Mapping[Store, Addresses]
    refused: Mapping[Store, IceResultError]
    files_missing: bool = False


class _LookedUp(NamedTuple):
    """Facts of the output files of a job, and of the inputs that they are compared with."""

    files: Facts
    inputs: Facts


_Build: TypeAlias = "Callable[[Iterable[Manifest]], Manifest]"
"""Builder of a manifest. It gets the stored manifests, for what could not be checked now."""


class _Making(NamedTuple):
    """The two parts of a job that take calls, `look_up` and `contents`, and the manifest that is made of both.

    `look_up` returns None when the files are not looked up. `contents` is None when none are read. Otherwise it gets a
    function that waits for its turn to use much memory. `manifest` returns a builder, and whether something could not
    be checked. `keeps_notes` is true for a job whose contents are not read only because of a setting: its stored notes
    about them stay.
    """

    look_up: Callable[[], _LookedUp | None]
    manifest: Callable[[_LookedUp | None, ReadContents | None], tuple[_Build, bool]]
    contents: _ContentsReader | None = None
    keeps_notes: bool = False


class JobWriter:
    """Writes jobs to the sinks. Any number of threads may use it at once."""

    def __init__(self, stores: Stores, *, concurrency: int) -> None:
        self._stores = stores
        self._most_calls = concurrency * CALLS_PER_JOB
        self._lock = threading.Lock()
        self._writing = 0
        self._large_contents = LargeJobQueue()
        self._judge = JobJudge(stores.rules)

    def write(self, record: Record, files: OutputFiles, target: Target) -> Written:
        """Look up the files, and write the record and the manifest to the sinks that have no better ones."""
        source = self._stores.contents
        has_some = any(file.role in CONTENT_OF_ROLES and file.address for file in files.files)
        making = _Making(
            partial(self._look_up, record, files, target.timer),
            partial(self._builder, record, files),
            _contents_reader(source, record, files) if source and has_some else None,
            keeps_notes=has_some and not source,
        )
        with self._lock:
            self._writing += 1
        try:
            return self._write_unless_better(record, making, target)
        finally:
            with self._lock:
                self._writing -= 1

    def copy(self, found: StoredJob, source: Store, target: Target) -> Written:
        """Write the record, the manifest and the contents of another sink to the sinks that have no better ones.

        Raises StorageError for a record without a manifest.
        """
        return self._write_unless_better(found.record, _copying(found, source), target)

    def _write_unless_better(self, record: Record, making: _Making, target: Target) -> Written:
        if record.standing == SETTLED:
            return self._write(record, making, target)
        # Every sink is read, also one that the job is not written to.
        stored, unreadable = _on_each(self._stores.sinks, lambda sink: sink.recorded(record))
        better = {sink: there for sink, there in stored.items() if there and there.standing > record.standing}
        readable = target._replace(sinks=[sink for sink in target.sinks if sink not in unreadable])
        written = self._copy_best(better, readable) if better else self._write(record, making, readable)
        refused = {sink: error for sink, error in unreadable.items() if sink in target.sinks}
        return written._replace(
            refused={**written.refused, **refused},
            files_missing=bool(written.addresses)
            and written.record.outcome == "outputs_missing"
            and not any(there and there.standing >= written.record.standing for there in stored.values()),
        )

    def _copy_best(self, better: Mapping[Store, Record], target: Target) -> Written:
        """Copy the best of these records, and its manifest, to the target sinks without it.

        Raises StorageError when no sink has both, or when a record that must be copied cannot be read whole.
        """
        best = max(record.standing for record in better.values())
        having = {sink: record for sink, record in better.items() if record.standing == best}
        lacking = [sink for sink in target.sinks if sink not in having]
        errors: list[IceResultError] = []
        for source, record in having.items():
            try:
                found = self._found_in(source, record, is_copied=bool(lacking))
                manifest = _manifest_of(found)
                making = _copying(found._replace(manifest=manifest), source) if lacking else None
            except IceResultError as error:
                errors.append(error)
                if isinstance(error, _WithoutManifestError) and source in target.sinks:
                    lacking.append(source)
                continue
            there = {sink: sink.addresses(record) for sink in target.sinks if sink not in lacking}
            if making is None:
                return Written(found.record, manifest, there, {})
            copied = self._write(found.record, making, target._replace(sinks=lacking))
            return copied._replace(addresses={**there, **copied.addresses})
        raise errors[0]

    def _found_in(self, source: Store, record: Record, *, is_copied: bool) -> StoredJob:
        """Read the job in the source: the whole record when it is copied. Raises StorageError when it is not whole."""
        if not is_copied:
            return StoredJob(record, source.verified(record))
        key = source.key_for(record.job_id, record.function_name, record.create_time)
        return source.job_at(key) or StoredJob(record, None)

    def _write(self, record: Record, making: _Making, target: Target) -> Written:
        with Turn(self._large_contents) as turn:  # until the contents are written, which may take much memory
            with target.timer.stage("stage"):
                staging = {sink: begin(partial(sink.stage, record)) for sink in target.sinks}
                reading = (
                    begin(partial(self._stage_contents, record, making.contents, target, turn))
                    if making.contents
                    else None
                )
                looked_up = making.look_up()
                staged, refused = _gather(staging)
                read, refused_contents = result_of(reading) if reading else (None, {})
                refused |= refused_contents
            with target.timer.stage("commit"):
                build, is_partial = making.manifest(looked_up, read)
                manifest, complete, unreadable = self._with_stored(
                    record, build, is_partial=is_partial, keeps_notes=making.keeps_notes
                )
                refused |= {sink: error for sink, error in unreadable.items() if sink in staged}
                contents = read.contents if read else None
                committed, refused_later = _on_each(
                    [sink for sink in staged if sink not in refused],
                    lambda sink: sink.commit(record, complete.get(sink, manifest), contents),
                )
        there = {sink: sink.addresses(record) for sink in committed}
        return Written(record, manifest, there, {**refused, **refused_later})

    def _stage_contents(
        self, record: Record, contents: _ContentsReader, target: Target, turn: Turn
    ) -> tuple[ReadContents, dict[Store, IceResultError]]:
        """Read the contents of the files, and write them to the target sinks. Returns the errors by sink."""
        from ice_result.processing.read_contents import with_stored  # noqa: PLC0415  only for a job that has contents

        with target.timer.stage("read_contents"), time_limit(current_deadline().part(_SHARE_FOR_LOOKING_UP)):
            read = contents(turn.take)
            stored, refused = _on_each(
                self._stores.sinks if read.keeping else (), lambda sink: _stored_contents(sink, record)
            )
        read = with_stored(read, stored.values())
        _, refused_later = _on_each(
            [sink for sink in target.sinks if sink not in refused],
            lambda sink: sink.stage_contents(record, read.contents, are_all=not read.notes),
        )
        return read, {sink: error for sink, error in (refused | refused_later).items() if sink in target.sinks}

    def _with_stored(
        self, record: Record, build: _Build, *, is_partial: bool, keeps_notes: bool
    ) -> tuple[Manifest, dict[Store, Manifest], dict[Store, IceResultError]]:
        """Return the manifest to write, the complete ones that are stored and stay, and the errors of sinks.

        The sinks are read, with one call each, only when the manifest is not complete, when something could not be
        checked (a file that was not read; an input or contents, for a rule that makes problems), or when the stored
        notes about contents stay. A complete manifest gets the notes about contents that were made now.
        """
        manifest = build(())
        may_be_worse = not manifest.complete and bool(manifest.files) and record.outcome == "ok"
        if not (may_be_worse or is_partial or keeps_notes):
            return manifest, {}, {}
        with time_limit(current_deadline().part(_SHARE_FOR_LOOKING_UP)):
            stored, unreadable = _on_each(self._stores.sinks, lambda sink: sink.verified(record))
        there = {sink: each for sink, each in stored.items() if each}
        if is_partial:
            manifest = build(there.values())
        files = {file.uri for file in manifest.files}
        if keeps_notes:
            noted = next((notes for each in there.values() if (notes := content_notes(each))), ())
            manifest = with_content_notes(manifest, (note for note in noted if note.uri in files))
        complete = {
            sink: with_content_notes(each, content_notes(manifest))
            for sink, each in there.items()
            if record.outcome == "ok" and may_stay(each, manifest)
        }
        return next(iter(complete.values()), manifest), complete, unreadable

    def _look_up(self, record: Record, files: OutputFiles, timer: StageTimer) -> _LookedUp | None:
        """Look up the output files of a job, and beside them the inputs that the rules compare them with."""
        inspector = self._stores.inspector
        if inspector is None:
            return None
        addresses = [*dict.fromkeys(file.address for file in files.files if file.address)]
        at_once = max(CALLS_PER_JOB, self._most_calls // max(1, self._writing))
        with timer.stage("look_up"), time_limit(current_deadline().part(_SHARE_FOR_LOOKING_UP)):
            inputs = begin(partial(self._judge.look_up_inputs, record))
            return _LookedUp(look_up_files(inspector, addresses, at_once), result_of(inputs))

    def _builder(
        self, record: Record, files: OutputFiles, looked_up: _LookedUp | None, read: ReadContents | None
    ) -> tuple[_Build, bool]:
        """Return the builder of a job's manifest: from its files, the notes about contents, and what rules find."""
        notes = read.notes if read else ()
        if looked_up is None:
            return (lambda _: build_manifest(record, files, None, notes)), False
        found = FoundFiles(record, files, looked_up.files, looked_up.inputs, read.read_now if read else ())

        def build(stored: Iterable[Manifest]) -> Manifest:
            facts, findings = self._judge.judge(found, map(earlier_check, stored))
            return build_manifest(record, files, facts, (*notes, *findings.notes), findings.problems)

        return build, self._judge.is_partial(found)


def _contents_reader(source: ContentSource, record: Record, files: OutputFiles) -> _ContentsReader:
    from ice_result.processing.read_contents import read_contents  # noqa: PLC0415  only for a job that has contents

    return partial(read_contents, source, record, files)


def _copying(found: StoredJob, source: Store) -> _Making:
    """Return the parts of a job that are copied. Raises the error of a source whose contents cannot be read."""
    manifest = _manifest_of(found)
    if not any(file.role in CONTENT_OF_ROLES for file in manifest.files):
        return _Making(lambda: None, lambda *_: ((lambda _: manifest), False))
    from ice_result.processing.read_contents import ReadContents  # noqa: PLC0415  only for a job that has contents

    read = ReadContents(source.contents(found.record), content_notes(manifest))
    return _Making(lambda: None, lambda *_: ((lambda _: manifest), False), lambda _: read)


def _stored_contents(sink: Store, record: Record) -> Sequence[Content]:
    """Read the stored contents of a job, without those that were too large for the store."""
    try:
        return sink.contents(record)
    except ContentsLeftOutError as error:
        return error.present


class _WithoutManifestError(StorageError):
    """A stored record without a manifest: the function was killed between the two."""


def _manifest_of(found: StoredJob) -> Manifest:
    if found.manifest is None:
        job_id = found.record.job_id
        what = f"job {job_id}: its stored record has no manifest beside it"
        raise _WithoutManifestError(f"{what}; `ice-result verify {job_id}` makes one")
    return found.manifest


def _on_each(sinks: Iterable[Store], call: Callable[[Store], T]) -> tuple[dict[Store, T], dict[Store, IceResultError]]:
    """Make the call in every sink, in parallel. Returns the values and the errors by sink."""
    return _gather({sink: begin(partial(call, sink)) for sink in sinks})


def _gather(calls: Mapping[Store, Task[T]]) -> tuple[dict[Store, T], dict[Store, IceResultError]]:
    """Wait for all calls. Returns the values and the errors by sink."""
    answers: dict[Store, T] = {}
    refused: dict[Store, IceResultError] = {}
    for sink, call in calls.items():
        try:
            answers[sink] = result_of(call)
        except IceResultError as error:
            refused[sink] = error
    return answers, refused
