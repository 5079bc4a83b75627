"""Notifications as CloudEvents 1.0: what was recorded or parked, in at most 20 KB.

The bytes are a pure function of what was written: the same record and manifest are always the same notification, with
the same id. `time` is the FinishTime of the job, or for a parked event the time at which it was parked.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from typing import Literal, NamedTuple
from uuid import uuid4

from pydantic import Field

from ice_result.core.json_text import dump
from ice_result.core.redaction import clean
from ice_result.core.types import ADDED_LATER, JobId, JsonObject, JsonValue, Model
from ice_result.notify.model import MOST_BYTES, Notification, NotificationType
from ice_result.records.model import Manifest, Outcome, Problem, Record, RecordedInput, RecordState
from ice_result.sinks.parked_model import Parked

SOURCE = "/ice-result"
"""`source` of every notification, followed by the region of the jobs."""
DATA_SCHEMA = "urn:ice-result:notification:1"
"""`dataschema` of every notification: the schema that `ice-result schema notification` prints."""
_MOST_PROBLEMS = 5
_LONGEST_NAME = 200  # of a function; all that ICE has are shorter


class Counts(Model):
    """Counts of a job: its files by the response, those found in OSS, items of the result, warnings and problems.

    `media` counts the files whose media is known; `notes` counts the notes of the manifest.
    """

    files: int
    files_present: int
    items: int
    warnings: int
    problems: int
    media: int = Field(default=0, json_schema_extra=ADDED_LATER)
    notes: int = Field(default=0, json_schema_extra=ADDED_LATER)


class BestCover(Model):
    """The cover that ICE ranks first."""

    uri: str | None
    score: float | None
    time_seconds: float | None


class StoredAt(Model):
    """Addresses in the first sink: of the record and the manifest, and where the contents of files are.

    `contents` is null for a job without captions, beats or choruses.
    """

    record: str
    manifest: str
    contents: str | None = None


class RecordedData(Model):
    """Data of `ice-result.job.recorded.v1`: a job that is recorded.

    `left_out` names the fields that are null or empty because the notification would be too large with them.
    """

    schema_: Literal["ice_result.notification/1"] = Field(default="ice_result.notification/1", alias="schema")
    job_id: JobId
    region: str | None
    function_name: str
    state: RecordState
    outcome: Outcome
    complete: bool
    name: str | None
    create_time: datetime | None
    finish_time: datetime | None
    duration_seconds: float | None
    input: RecordedInput | None
    user_data: JsonValue
    counts: Counts
    best_cover: BestCover | None
    stored_at: StoredAt
    problems: tuple[Problem, ...]
    left_out: tuple[str, ...] = ()


class ParkedData(Model):
    """Data of `ice-result.event.parked.v1` and `ice-result.event.dead.v1`: an event that could not be finished.

    `parked_at` is the address of its envelope. `sinks` and `targets` are those of the envelope.
    """

    schema_: Literal["ice_result.notification_parked/1"] = Field(
        default="ice_result.notification_parked/1", alias="schema"
    )
    job_id: JobId | None
    region: str | None
    reason: str
    transient: bool
    dead: bool
    attempts: int
    error: str
    sinks: tuple[str, ...]
    targets: tuple[str, ...]
    first_parked: datetime | None
    last_parked: datetime | None
    parked_at: str
    left_out: tuple[str, ...] = ()


class Recorded(NamedTuple):
    """A recorded job: what the first sink has of it, and where."""

    record: Record
    manifest: Manifest
    stored_at: StoredAt


# Fields that are dropped first, when the notification is too large: readers find them in the record.
_RECORDED_GIVES_WAY = ("problems", "best_cover", "user_data", "input", "name")
_PARKED_GIVES_WAY = ("error", "sinks", "targets")
_EMPTY: dict[str, JsonValue] = {"problems": [], "sinks": [], "targets": [], "error": ""}


def recorded_id(record: Record, manifest: Manifest) -> str:
    """Return the id of the notification of a recorded job: a hash of the job id, the record and the manifest."""
    return _digest(record.job_id, _json_of(record), _json_of(manifest))


def recorded_notification(job: Recorded) -> Notification:
    """Make the notification of a recorded job."""
    record, manifest, _ = job
    covers = record.result.items() if record.result.kind == "covers" else ()
    best = next(iter(covers), None)
    data = RecordedData(
        **{
            name: getattr(record, name)
            for name in RecordedData.model_fields.keys() & Record.model_fields.keys() - {"schema_", "function_name"}
        },
        function_name=record.function_name[:_LONGEST_NAME],
        complete=manifest.complete,
        counts=Counts(
            files=record.file_count,
            files_present=sum(file.exists is True for file in manifest.files),
            items=len(record.result.items()),
            warnings=len(record.decode.warnings),
            problems=len(manifest.problems),
            media=sum(file.media is not None for file in manifest.files),
            notes=len(manifest.notes),
        ),
        best_cover=BestCover(**best.model_dump(include={*BestCover.model_fields})) if best else None,
        stored_at=job.stored_at,
        problems=manifest.problems[:_MOST_PROBLEMS],
    )
    return _fitting(
        _CloudEvent(
            recorded_id(record, manifest),
            "ice-result.job.recorded.v1",
            record.job_id,
            record.region,
            record.finish_time,
        ),
        data,
        _RECORDED_GIVES_WAY,
    )


def parked_notification(parked: Parked, address: str, region: str | None, *, dead: bool) -> Notification:
    """Make the notification of a parked or dead event. Its subject is the job, or the envelope of an event without one.

    Its id is a hash of the envelope's address and of the time at which the event was parked first: a notification
    that is sent again after another attempt has the same id.
    """
    kind: NotificationType = "ice-result.event.dead.v1" if dead else "ice-result.event.parked.v1"
    data = ParkedData(
        job_id=JobId(parked.job_id) if parked.job_id else None,
        region=region,
        error=parked.error.message,
        parked_at=address,
        **{name: getattr(parked, name) for name in _OF_THE_ENVELOPE},
    )
    first = parked.first_parked.isoformat() if parked.first_parked else ""
    time = parked.last_parked if dead else parked.first_parked
    event = _CloudEvent(_digest(kind, address, first), kind, parked.job_id or address, region, time)
    return _fitting(event, data, _PARKED_GIVES_WAY)


def trial_notification(region: str | None) -> Notification:
    """Make a notification that says nothing of a job, with an id of its own: to try a target."""
    data: JsonObject = {"schema": "ice_result.notification_test/1", "region": region}
    event = _CloudEvent(uuid4().hex, "ice-result.test.v1", "test", region, datetime.now(timezone.utc))
    return Notification(event.id, event.type, event.subject, _body(event, data))


_OF_THE_ENVELOPE = (
    *("reason", "transient", "dead", "attempts", "sinks", "targets"),
    *("first_parked", "last_parked"),
)


class _CloudEvent(NamedTuple):
    """Attributes of a CloudEvent."""

    id: str
    type: NotificationType
    subject: str
    region: str | None
    time: datetime | None


def _fitting(event: _CloudEvent, data: RecordedData | ParkedData, gives_way: tuple[str, ...]) -> Notification:
    """Write the CloudEvent; parts of the data give way, one after the other, until it is small enough."""
    # Records of earlier versions may contain what this version recognises as a secret.
    dumped: JsonObject = data.model_dump(mode="json", by_alias=True)
    fields = {name: clean(value) for name, value in dumped.items()}
    left_out: list[JsonValue] = []
    body = _body(event, fields)
    for name in gives_way:
        if len(body) <= MOST_BYTES:
            break
        if fields[name]:
            fields[name] = _EMPTY.get(name)
            left_out.append(name)
            fields["left_out"] = left_out
            body = _body(event, fields)
    return Notification(event.id, event.type, event.subject, body)


def _body(event: _CloudEvent, data: JsonObject) -> bytes:
    attributes: JsonObject = {
        "specversion": "1.0",
        "id": event.id,
        "source": f"{SOURCE}/{event.region}" if event.region else SOURCE,
        "type": event.type,
        "subject": event.subject,
        "datacontenttype": "application/json",
        "dataschema": DATA_SCHEMA,
        "data": data,
    }
    if event.time is not None:
        attributes["time"] = event.time.isoformat().replace("+00:00", "Z")
    return dump(attributes).encode()


def _json_of(document: Model) -> str:
    return document.model_dump_json(by_alias=True)


def _digest(*parts: str) -> str:
    """Return a hash of texts; no two lists of texts are the same bytes."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode(errors="surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()
