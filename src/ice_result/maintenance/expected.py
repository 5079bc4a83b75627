"""Expected jobs: every job that was submitted, and that no event has reported in time, is looked up in ICE.

    submitter ──► note ──► (due) ──► is the job recorded? ──► yes: the note is removed
                                                          └─► no, or without its outputs: ICE is asked once more,
                                                              the job is recorded or parked, the note is removed

ICE drops a callback after three attempts, and has no call that lists jobs. Without a note, nobody notices a lost event.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from itertools import islice, takewhile
from typing import NamedTuple

from pydantic import ValidationError

from ice_result.core.calls import in_order
from ice_result.core.deadline import Deadline, time_limit, within
from ice_result.errors import IceResultError, shorten
from ice_result.maintenance.listing import merge_listings
from ice_result.processing.batch import JobOutcome, Pipeline, RunContext
from ice_result.sinks.base import Near, StoredJob
from ice_result.sinks.parked_events import ParkedEvents
from ice_result.sinks.parked_model import Expected
from ice_result.triggers import JobEvent

_READ_AT_ONCE = 8
_log = logging.getLogger(__name__)


class _DueNote(NamedTuple):
    due: datetime
    key: str
    store: ParkedEvents


class _Note(NamedTuple):
    store: ParkedEvents
    key: str
    text: bytes
    expected: Expected


def check_expected(pipeline: Pipeline, run: RunContext, most: int) -> Iterator[JobOutcome]:
    """Look up the jobs of at most `most` notes that are due, the earliest first.

    A recorded job costs one look into each sink, and with notifications one read of the acknowledgements: a process
    may have died between two sinks, or before it notified the targets. Any other job, and one recorded as
    `outputs_missing`, is asked for once for each note. It is then recorded or parked; a running job is parked as
    `not_finished` and retried later. The note stays only when the job was neither recorded nor parked.
    """
    notes = list(islice(_due_notes(pipeline, run.deadline()), most))
    missing = [note for note in notes if not _remove_if_done(pipeline, note, run)]
    events = [JobEvent(job_id=note.expected.job_id, payload={"JobId": note.expected.job_id}) for note in missing]
    ended: set[str] = set()
    for index, outcome in pipeline.process_events(events, run):
        if outcome.outcome != "failed":
            ended.add(events[index].job_id)
        yield outcome
    for note in missing:
        if note.expected.job_id in ended:
            _remove(note, run)


def _due_notes(pipeline: Pipeline, deadline: Deadline) -> Iterator[_Note]:
    """Read the notes that are due, as they are needed, until the deadline."""
    now = pipeline.now()

    def due_in(store: ParkedEvents) -> Iterator[_DueNote]:
        notes = (_DueNote(due, listed.key, store) for listed, due in within(lambda: deadline, store.expected()))
        return takewhile(lambda note: note.due <= now, notes)

    listed = merge_listings(pipeline.stores.parking_stores, due_in, lambda note: note[:2])
    in_time = takewhile(lambda _: deadline.left(), listed)
    notes = in_order(lambda note: _read(note, deadline), in_time, _READ_AT_ONCE, timed_out=_skipped)
    yield from filter(None, notes)


def _read(note: _DueNote, deadline: Deadline) -> _Note | None:
    try:
        with time_limit(deadline):
            text = note.store.read(note.key)
        return None if text is None else _Note(note.store, note.key, text, Expected.model_validate_json(text))
    except (IceResultError, ValidationError) as error:
        _skipped(note, error)
        return None


def _skipped(note: _DueNote, error: Exception) -> None:
    """Leave a note that cannot be read, or is another document, where it is."""
    _log.warning("skipped %s: %s", shorten(note.key), shorten(str(error).partition("\n")[0]))


def _remove_if_done(pipeline: Pipeline, note: _Note, run: RunContext) -> bool:
    """Remove the note of a job that every sink has with its outputs, and that all targets have acknowledged.

    Returns False for any other job.
    """
    near = Near(note.expected.function_name, note.expected.expected_at)
    try:
        with time_limit(run.deadline()):
            first, *others = pipeline.stores.sinks
            found = first.find(note.expected.job_id, near)
            if not (found and _is_recorded(found) and pipeline.has_told(found)):
                return False
            in_others = (sink.find(note.expected.job_id, near) for sink in others)
            if not all(other and _is_recorded(other) for other in in_others):
                return False
    except IceResultError:  # the job is asked for as if it was not recorded
        return False
    _remove(note, run)
    return True


def _is_recorded(found: StoredJob) -> bool:
    return found.manifest is not None and found.record.outcome != "outputs_missing"


def _remove(note: _Note, run: RunContext) -> None:
    try:
        with time_limit(run.parking()):
            note.store.discard(note.key, note.text)
    except IceResultError:  # the note stays, and the next timer finds the job recorded
        return
