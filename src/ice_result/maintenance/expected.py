"""Jobs that were submitted and should be recorded by a certain time: what ICE forgot to tell of is asked for.

    submitter ──► note ──► (due) ──► recorded? ──► yes: removed
                                         └──► no, or without the outputs it should have: asked for once more,
                                              then recorded or parked, and removed

ICE drops a callback after three tries, and has no call that lists jobs: without a note, nobody would ever know.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import NamedTuple

from pydantic import ValidationError

from ice_result.core.calls import in_order
from ice_result.core.deadline import Deadline, time_limit, within
from ice_result.errors import IceResultError, shorten
from ice_result.maintenance.listing import merged
from ice_result.processing.batch import JobOutcome, Pipeline, RunContext
from ice_result.sinks.base import Hint, Store
from ice_result.sinks.parked_events import Expected, ParkedEvents
from ice_result.triggers import JobEvent, job_event

_AT_ONCE = 8
_log = logging.getLogger(__name__)


class _DueNote(NamedTuple):
    due: datetime
    key: str
    parking_store: ParkedEvents


class _Note(NamedTuple):
    parking_store: ParkedEvents
    key: str
    text: bytes
    expected: Expected


def new_notes(job_ids: Iterable[str], *, within: timedelta, function_name: str | None, now: datetime) -> list[Expected]:
    """A note for each job, once. Raises ValueError for what cannot be a job id, and for a time that cannot be."""
    try:
        due = now + within
    except OverflowError as error:
        raise ValueError(f"{within}: too long; expected a time in which a job should be done") from error
    if due < now:
        raise ValueError(f"{within}: in the past; expected a time in which a job should be done")
    notes = []
    for job_id in dict.fromkeys(job_ids):
        event = job_event(job_id, "job id")
        if event.kind == "malformed":
            raise ValueError(event.reason)
        notes.append(Expected(job_id=event.job_id, function_name=function_name, expected_at=now, due_at=due))
    return notes


def sweep(pipeline: Pipeline, run: RunContext, most: int) -> Iterator[JobOutcome]:
    """Bring at most this many notes that are due to their end; those due first come first.

    A job that is recorded costs a look into the first sink. One that is not, or that was recorded as
    `outputs_missing`, is asked for, once for each note: it is then recorded, or parked, as `not_finished` if it still
    runs, and so tried again. Its note stays when it is neither.
    """
    deadline = run.deadline()
    notes = list(islice(_due(pipeline, deadline), most))
    missing = [note for note in notes if not _settled_by_itself(pipeline.stores.sinks[0], note, run)]
    events = [JobEvent(job_id=note.expected.job_id, payload={"JobId": note.expected.job_id}) for note in missing]
    ended: set[str] = set()
    for index, outcome in pipeline.process_events(events, run):
        if outcome.outcome != "failed":
            ended.add(events[index].job_id)
        yield outcome
    for note in missing:
        if note.expected.job_id in ended:
            _remove(note, run)


def _due(pipeline: Pipeline, deadline: Deadline) -> Iterator[_Note]:
    """The notes that are due, read as they are needed; nothing more once the time is over."""
    now = pipeline.now()

    def due_in(parking_store: ParkedEvents) -> Iterator[_DueNote]:
        found = (
            _DueNote(due, listed.key, parking_store)
            for listed, due in within(lambda: deadline, parking_store.expected())
        )
        return takewhile(lambda each: each.due <= now, found)

    found = merged(pipeline.stores.parking_stores, due_in, lambda each: each[:2])
    in_time = takewhile(lambda _: deadline.left(), found)
    yield from filter(None, in_order(lambda each: _read(each, deadline), in_time, _AT_ONCE))


def _read(each: _DueNote, deadline: Deadline) -> _Note | None:
    try:
        with time_limit(deadline):
            text = each.parking_store.read(each.key)
        return None if text is None else _Note(each.parking_store, each.key, text, Expected.model_validate_json(text))
    except (IceResultError, ValidationError) as error:  # no note of ours, or none that can be read: it stays
        _log.warning("skipped %s: %s", shorten(each.key), shorten(str(error).partition("\n")[0]))
        return None


def _settled_by_itself(sink: Store, note: _Note, run: RunContext) -> bool:
    """Whether the job is recorded already, and the note therefore removed; where that cannot be seen, it is not."""
    hint = Hint(note.expected.function_name, note.expected.expected_at)
    try:
        with time_limit(run.deadline()):
            found = sink.find(note.expected.job_id, hint)
    except IceResultError:
        return False
    if found is None or found.manifest is None or found.record.outcome == "outputs_missing":
        return False
    _remove(note, run)
    return True


def _remove(note: _Note, run: RunContext) -> None:
    try:
        with time_limit(run.parking()):
            note.parking_store.discard(note.key, note.text)
    except IceResultError:  # it stays, and the next sweep finds the job recorded
        return
