"""Notifications as CloudEvents: what they say, what gives way, and when their ids differ."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest
from jsonschema import Draft202012Validator

from ice_result.cli.schemas import json_schema
from ice_result.core.types import JsonObject, JsonValue
from ice_result.jobs.model import Job
from ice_result.notify.documents import (
    DATA_SCHEMA,
    Recorded,
    StoredAt,
    parked_notification,
    recorded_id,
    recorded_notification,
)
from ice_result.notify.model import MOST_BYTES, Notification
from ice_result.processing.process_job import record_of
from ice_result.records import build_manifest
from ice_result.records.model import Manifest, Media, Note, Problem, Record
from ice_result.sinks.parked_model import Parked, ParkedError
from ice_result.sinks.table.rows import json_of
from support.paths import SAMPLE_JOBS

STORED_AT = StoredAt(record="oss://records/ice/records/r.json", manifest="oss://records/ice/manifests/m.json")
SAMPLES = sorted(path.stem for path in SAMPLE_JOBS.glob("*.json"))


def written(sample: str = "cover-0001", **response: JsonValue) -> tuple[Record, Manifest]:
    """The record and the manifest of a sample job, whose files were not looked up."""
    text = json.loads((SAMPLE_JOBS / f"{sample}.json").read_text()) | response
    job = Job.from_response(text["JobId"], text)
    record, files = record_of(job, "cn-shanghai")
    return record, build_manifest(record, files, None)


def notification_of(record: Record, manifest: Manifest) -> Notification:
    return recorded_notification(Recorded(record, manifest, STORED_AT))


def event_of(notification: Notification) -> JsonObject:
    event: JsonObject = json.loads(notification.body)
    assert (event["id"], event["type"], event["subject"]) == notification[:3]
    return event


def data_of(notification: Notification) -> JsonObject:
    data = event_of(notification)["data"]
    assert isinstance(data, dict)
    return data


def test_a_cover_is_told_with_its_best_picture_and_its_addresses() -> None:
    """Every attribute and field, as a receiver gets it."""
    event = event_of(notification_of(*written()))
    data = event.pop("data")
    assert isinstance(data, dict)
    assert isinstance(event.pop("id"), str)
    assert event == {
        "specversion": "1.0",
        "source": "/ice-result/cn-shanghai",
        "type": "ice-result.job.recorded.v1",
        "subject": "cover-0001",
        "time": "2026-03-02T08:16:02Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:ice-result:notification:1",
    }
    assert data["schema"] == "ice_result.notification/1"
    assert (data["job_id"], data["function_name"], data["outcome"], data["state"]) == (
        *("cover-0001", "Cover", "ok", "succeeded"),
    )
    assert data["complete"] is False
    counts = {"files": 2, "files_present": 0, "items": 2, "warnings": 0, "problems": 1, "media": 0, "notes": 0}
    assert data["counts"] == counts
    assert data["best_cover"] == {
        "uri": "oss://example-output/cover/test-00001.jpg",
        "score": 8.270855992569906,
        "time_seconds": 28.27825,
    }
    assert data["stored_at"] == {"record": STORED_AT.record, "manifest": STORED_AT.manifest, "contents": None}
    assert data["left_out"] == []


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_sample_is_a_small_event_whose_data_has_the_printed_schema(sample: str) -> None:
    """`ice-result schema notification` is true of all of them, and `dataschema` names it."""
    notification = notification_of(*written(sample))
    assert len(notification.body) <= MOST_BYTES
    schema = json_schema("notification")
    assert schema["$id"] == DATA_SCHEMA
    Draft202012Validator(schema).validate(data_of(notification))


def test_files_with_known_media_and_notes_are_counted() -> None:
    """GIVEN two files of which one was read, and a note THEN the counts have 1 each, and nothing else tells of them."""
    record, manifest = written()
    read, other = manifest.files
    files = (read.model_copy(update={"media": Media(container="jpeg", width=1280, height=720)}), other)
    note = Note(code="suspicious", message="cover_within_input: a sentence", uri=read.uri)
    plain, more = (
        data_of(notification_of(record, each))
        for each in (manifest, manifest.model_copy(update={"files": files, "notes": (note,)}))
    )
    assert isinstance(plain["counts"], dict)
    assert more["counts"] == {**plain["counts"], "media": 1, "notes": 1}
    assert {**more, "counts": {}} == {**plain, "counts": {}}


def test_the_bytes_are_a_function_of_what_was_written() -> None:
    """GIVEN documents that were read back THEN id and bytes are those of the documents that were written."""
    record, manifest = written()
    read = Record.model_validate_json(json_of(record)), Manifest.model_validate_json(json_of(manifest))
    assert notification_of(*read) == notification_of(record, manifest)


def test_each_part_of_what_was_written_makes_another_id() -> None:
    """Another job, another record and another manifest are other notifications."""
    record, manifest = written()
    other, _ = written(FinishTime="2026-03-02T09:00:00Z")
    ids = {
        recorded_id(record, manifest),
        recorded_id(other, manifest),
        recorded_id(record, manifest.model_copy(update={"complete": True})),
        recorded_id(written("videoclip-0001")[0], manifest),
    }
    assert len(ids) == 4
    assert all(len(each) == 64 and each.isalnum() for each in ids)


def test_a_job_without_a_finish_time_has_no_time() -> None:
    """CloudEvents has `time` optional, and null is not a time."""
    record, manifest = written()
    event = event_of(notification_of(record.model_copy(update={"finish_time": None, "region": None}), manifest))
    assert "time" not in event
    assert event["source"] == "/ice-result"


def _problem(message: str) -> Problem:
    return Problem(code="not_found", message=message, uri="oss://b/" + "k" * 100)


@pytest.mark.parametrize(
    ("user_data", "media", "name", "left_out"),
    [
        ("u", "m", "n", []),
        ("u", "m" * 25_000, "n", ["problems", "best_cover", "user_data", "input"]),
        ("u" * 25_000, "m", "n", ["problems", "best_cover", "user_data"]),
        ("片" * 9_000, "m", "n", ["problems", "best_cover", "user_data"]),
        ("u" * 18_400, "m", "n", ["problems"]),
        ("u", "m", "n" * 25_000, ["problems", "best_cover", "user_data", "input", "name"]),
    ],
)
def test_parts_give_way_in_order_until_the_event_is_small_enough(
    user_data: str, media: str, name: str, left_out: list[str]
) -> None:
    """What is left out is named, and found whole in the record and the manifest."""
    record, manifest = written()
    record = record.model_copy(
        update={"user_data": user_data, "input": record.input.model_copy(update={"media": media}), "name": name}
    )
    manifest = manifest.model_copy(update={"problems": tuple(_problem(f"p{number}") for number in range(9))})
    notification = notification_of(record, manifest)
    data = data_of(notification)
    assert len(notification.body) <= MOST_BYTES
    assert data["left_out"] == left_out
    assert all(not data[part] for part in left_out)
    assert data["counts"]["problems"] == 9  # type: ignore[index,call-overload]
    if "problems" not in left_out:
        assert len(data["problems"]) == 5  # type: ignore[arg-type]
    Draft202012Validator(json_schema("notification")).validate(data)


def test_the_largest_job_id_and_function_still_fit() -> None:
    """GIVEN the longest names there can be THEN the event is small enough without them being lost."""
    record, manifest = written()
    record = record.model_copy(update={"job_id": "\U0001f600" * 128, "function_name": "\U0001f600" * 30_000})
    notification = notification_of(record, manifest)
    assert len(notification.body) <= MOST_BYTES
    assert data_of(notification)["job_id"] == "\U0001f600" * 128


def test_no_secret_is_told() -> None:
    """GIVEN a record of an earlier version with a signed address in it THEN the notification has none."""
    record, manifest = written()
    signed = "https://b.oss-cn-shanghai.aliyuncs.com/k?Expires=1&OSSAccessKeyId=LTAI5tSECRETID&Signature=s3cr3t%3D"
    record = record.model_copy(
        update={
            "user_data": {"url": signed, "token": "s3cr3t"},
            "input": record.input.model_copy(update={"media": signed}),
        }
    )
    manifest = manifest.model_copy(update={"problems": (_problem(f"cannot read {signed}"),)})
    text = notification_of(record, manifest).body.decode()
    assert "s3cr3t" not in text
    assert "LTAI5tSECRETID" not in text


AN_HOUR_LATER = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)


def parked(**changes: object) -> Parked:
    """An envelope of an event that was parked twice."""
    envelope = Parked(
        reason="unavailable",
        transient=True,
        job_id="job-1",
        event_type=None,
        event_id=None,
        error=ParkedError(type="UnavailableError", message="ICE was out of reach"),
        attempts=2,
        first_parked=datetime(2026, 3, 2, 8, tzinfo=timezone.utc),
        last_parked=AN_HOUR_LATER,
        event={"JobId": "job-1"},
    )
    return envelope.model_copy(update=changes)


def test_a_parked_event_says_why_and_where() -> None:
    """The subject is the job; of an event without one it is the envelope."""
    address = "oss://records/ice/parked/unavailable/job-1.json"
    event = event_of(parked_notification(parked(), address, "cn-shanghai", dead=False))
    data = event["data"]
    assert isinstance(data, dict)
    assert (event["type"], event["subject"], event["time"]) == (
        *("ice-result.event.parked.v1", "job-1", "2026-03-02T08:00:00Z"),
    )
    assert (data["reason"], data["error"], data["attempts"], data["parked_at"], data["dead"]) == (
        *("unavailable", "ICE was out of reach", 2, address, False),
    )
    nameless = event_of(parked_notification(parked(job_id=None), address, "cn-shanghai", dead=False))
    assert nameless["subject"] == address
    for each in (event, nameless):
        Draft202012Validator(json_schema("notification")).validate(each["data"])


def test_another_attempt_is_the_same_parked_event_and_death_is_another() -> None:
    """A receiver that compares ids hears of an event once, and once more when it is dead."""
    first = parked_notification(parked(), "a", "r", dead=False)
    again = parked_notification(parked(attempts=3, last_parked=AN_HOUR_LATER.replace(hour=10)), "a", "r", dead=False)
    dead = parked_notification(parked(dead=True), "a", "r", dead=True)
    assert first.id == again.id
    assert dead.id != first.id
    assert (dead.type, event_of(dead)["time"]) == ("ice-result.event.dead.v1", "2026-03-02T09:00:00Z")
    assert parked_notification(parked(first_parked=AN_HOUR_LATER), "a", "r", dead=False).id != first.id


def test_a_long_error_gives_way() -> None:
    """The envelope has all of it."""
    error = ParkedError(type="E", message="m" * 30_000)
    notification = parked_notification(parked(error=error), "a", "r", dead=False)
    assert len(notification.body) <= MOST_BYTES
    assert data_of(notification)["left_out"] == ["error"]
