"""The tables as they are described, the rows of a job, and the document that explains them.

`UPDATE_DOCS=1 pytest tests/sinks/table/test_rows.py` writes the document's tables anew.
"""

from __future__ import annotations

import json
import os
import re
from datetime import datetime, timedelta, timezone

import pytest

from ice_result.core.types import JobId, JsonObject, JsonValue
from ice_result.errors import StorageError
from ice_result.jobs.model import Job
from ice_result.records import build_manifest, build_record, output_files
from ice_result.records.model import Media
from ice_result.results import decode
from ice_result.sinks.table.rows import (
    Rows,
    generation,
    job_line,
    manifest_file,
    rows_of,
    stored_job,
    time_text,
    written_job,
)
from ice_result.sinks.table.schema import DAYS, JOBS, OUTPUTS, PARKED, SCHEMA_VERSION, TABLES, Table
from support.paths import ROOT, SAMPLE_JOBS
from support.record_versions import manifest, record

DOCUMENT = ROOT / "docs" / "data-dictionary.md"
BEGIN, END = "<!-- tables: begin -->\n", "<!-- tables: end -->\n"
SAMPLES = sorted(path.stem for path in SAMPLE_JOBS.glob("*.json"))
PYTHON_TYPES: dict[str, tuple[type, ...]] = {"text": (str,), "integer": (int,), "real": (float,), "boolean": (bool,)}


def rows_of_sample(name: str) -> Rows:
    """The rows of a sample job, its files not looked up."""
    response = json.loads((SAMPLE_JOBS / f"{name}.json").read_text(encoding="utf-8"))
    job = Job.from_response(JobId(response["JobId"]), response)
    decoded = decode(job.function_name, job.result, job.output_bucket)
    files = output_files(job, decoded)
    made = build_record(job, decoded, files, "cn-shanghai")
    return rows_of(made, build_manifest(made, files, None))


@pytest.mark.parametrize("sample", SAMPLES)
def test_rows_have_the_columns_of_their_table_with_their_types(sample: str) -> None:
    """Of every sample job each row has all columns, in order, typed as described, and keys are never null."""
    rows = rows_of_sample(sample)

    for table, group in ((JOBS, (rows.job,)), *rows.details):
        for row in group:
            assert list(row) == [column.name for column in table.written]
            for column in table.written:
                value = row[column.name]
                assert value is not None or not column.key
                assert value is None or type(value) in PYTHON_TYPES[column.type], column


@pytest.mark.parametrize(
    ("sample", "kind", "items", "outputs"),
    [
        ("cover-0001", "cover", 2, 2),
        ("videoclip-0001", "summary_segment", 1, 1),
        ("musicsegmentdetect-0001", "music_segment", 3, 1),
        ("audioqualityassessment-0001", "channel", 1, 0),
        ("musicdemix-0001", None, 0, 2),
    ],
)
def test_each_cover_segment_and_channel_is_an_item(sample: str, kind: str | None, items: int, outputs: int) -> None:
    """Numbered from 1, as are the output files."""
    rows = rows_of_sample(sample)

    assert [item["kind"] for item in rows.items] == [kind] * items
    assert [item["number"] for item in rows.items] == [*range(1, items + 1)]
    assert [output["number"] for output in rows.outputs] == [*range(1, outputs + 1)]


def test_a_job_is_one_flat_row() -> None:
    """What is nested in the record has columns of its own; times are texts of one width."""
    job = rows_of(record(2, "2026-03-02T08:00:00Z", raw={"UserData": "007"}), manifest(1)).job

    expected = {
        "generation": "000002/2/2026-03-02T08:00:00.000000Z",
        "schema_version": SCHEMA_VERSION,
        "input_bucket": "b",
        "output_key": "out",
        "output_url": None,
        "user_data": "007",
        "create_time": "2026-03-01T08:00:00.000000Z",
        "result_kind": "covers",
        "file_count": 2,
        "files_present": 1,
        "complete": True,
        "problems": 0,
        "raw_stored": True,
        "result_stored": True,
        "files_stored": True,
        "raw_uri": None,
    }
    assert {name: job[name] for name in expected} == expected
    assert json.loads(str(job["record"]))["raw"] == {"UserData": "007"}
    assert json.loads(str(job["manifest"]))["schema"] == "ice_result.manifest/1"


def test_an_output_is_one_flat_row() -> None:
    """The uri is taken apart, and the fields that name the file are one text."""
    (output,) = rows_of(record(2, None), manifest(1)).outputs

    expected = {"bucket": "b", "object_key": "0.jpg", "named_by": "OutputFiles,Result", "present": True}
    expected |= {"storage_class": "IA"}
    assert {name: output[name] for name in expected} == expected


VIDEO: JsonObject = {
    "container": "webm",
    "duration_seconds": 12.5,
    "width": 720,
    "height": 1280,
    "fps": 29.97,
    "video_codec": "vp9",
    "has_alpha": True,
    "audio_codec": "opus",
    "sample_rate_hz": 48000,
    "channels": 2,
    "bits": 16,
}


@pytest.mark.parametrize("media", [VIDEO, {"container": "srt"}, None])
def test_the_facts_of_media_are_columns_of_the_output(media: JsonObject | None) -> None:
    """Each fact has its type, and from the columns the file is read back as it was; null without a container."""
    made = manifest(1, media=media)
    (output,) = rows_of(record(1, None), made).outputs

    unknown: JsonObject = dict.fromkeys(VIDEO)
    assert {name: output[name] for name in VIDEO} == unknown | (media or {})
    assert list(output) == [column.name for column in OUTPUTS.written]
    for column in OUTPUTS.written:
        assert output[column.name] is None or type(output[column.name]) in PYTHON_TYPES[column.type], column
    assert manifest_file(output) == made.files[0]


def test_a_row_without_the_columns_of_media_is_read() -> None:
    """GIVEN a row of a version that read no output file THEN its media is null."""
    (output,) = rows_of(record(1, None), manifest(1, media=VIDEO)).outputs

    assert manifest_file({name: value for name, value in output.items() if name not in VIDEO}).media is None


@pytest.mark.parametrize(
    ("durations", "seconds"), [([], None), ([None, None], None), ([1.1, None, 2.2], 3.3), ([0.0], 0.0)]
)
def test_a_job_has_the_sum_of_the_durations_of_its_files(durations: list[float | None], seconds: float | None) -> None:
    """GIVEN files whose durations are known, unknown, and one that is not there THEN the last counts nothing."""
    (file,) = manifest(1, media=VIDEO).files
    there = [
        file.model_copy(update={"media": Media(container="mp4", duration_seconds=duration)}) for duration in durations
    ]
    files = (*there, file.model_copy(update={"exists": False}), file.model_copy(update={"media": None}))
    rows = rows_of(record(1, None), manifest(0).model_copy(update={"files": files}))

    assert rows.job["output_seconds"] == seconds
    assert written_job(rows.job).output_seconds == seconds


def test_ratings_are_columns_of_the_channel() -> None:
    """`mos.score` is `mos_score`."""
    (channel,) = rows_of_sample("audioqualityassessment-0001").items

    assert {"mos_score", "mos_grade", "mos_worst", "loudness_db"} <= set(channel)
    assert isinstance(channel["mos_score"], float)


def test_an_integer_no_store_can_hold_is_null() -> None:
    """Beyond 64 bits a number stays in `record` alone."""
    audio = rows_of_sample("audioqualityassessment-0001")
    whole = json.loads(str(audio.job["record"]))
    whole["result"]["channels"][0]["channel"] = 2**63
    rows = rows_of(type(record(0, None)).model_validate(whole), manifest(0))

    assert rows.items[0]["channel"] is None
    assert f'"channel":{2**63}' in str(rows.job["record"])


@pytest.mark.parametrize(("priority", "column"), [(6, 6), (10, 10), (2**70, None), (None, None)])
def test_priority_is_an_integer(priority: int | None, column: int | None) -> None:
    """Null when ICE sends none, or one that no store can keep."""
    assert rows_of(record(0, None, priority=priority), manifest(0)).job["priority"] == column


def test_times_sort_as_texts() -> None:
    """With any offset and any fraction of a second, before and after the year 1000."""
    east = timezone(timedelta(hours=8))
    moments = [
        datetime(33, 4, 3, 12, tzinfo=timezone.utc),
        datetime(2026, 3, 2, 8, tzinfo=east),
        datetime(2026, 3, 2, 0, 0, 0, 1, tzinfo=timezone.utc),
        datetime(2026, 3, 2, 1, tzinfo=timezone.utc),
    ]

    texts = [str(time_text(moment)) for moment in moments]
    assert texts == sorted(texts)
    assert {len(text) for text in texts} == {27}


def test_generations_order_by_schema_then_by_what_the_answer_says_then_by_finish_time() -> None:
    """An unknown finish time is the earliest; a row of version 1, which has no rank, gives way to all."""
    early, late = "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"
    missing, unknown = {"outcome": "outputs_missing"}, {"state": "unknown", "outcome": "undecodable"}
    expected = [
        "000001/2026-03-05T00:00:00.000000Z",
        generation(2, record(0, late, **unknown)),
        generation(2, record(0, early, **missing)),
        generation(2, record(0, late, **missing)),
        generation(2, record(0, None)),
        generation(2, record(0, early, state="failed", outcome="job_failed")),
        generation(2, record(0, late, outcome="false_success")),
        generation(3, record(0, None, **unknown)),
        generation(10, record(0, None, **unknown)),
    ]

    assert sorted(expected) == expected
    assert len({*expected}) == len(expected)


@pytest.mark.parametrize(
    ("sent", "column"),
    [
        ("order-7", "order-7"),
        ("0012345678901234567890", "0012345678901234567890"),
        ('{"order": 7}', '{"order": 7}'),
        ("[1, 2]", "[1, 2]"),
        (" padded ", " padded "),
        ("  ", None),
        (None, None),
        ({"order": 7}, None),
    ],
)
def test_user_data_is_the_text_as_it_was_sent(sent: JsonValue, column: str | None) -> None:
    """Other systems join on it: a number stays its digits, and JSON is not written anew. What is no text is null."""
    job = rows_of(record(0, None, raw={"UserData": sent}), manifest(0)).job

    assert job["user_data"] == column


def test_a_row_that_is_none_of_ours_is_named() -> None:
    """The error says which job and which columns; nothing is guessed."""
    with pytest.raises(StorageError, match=r"the row of job j is not one this version can read: .*state"):
        job_line({"job_id": "j", "state": "odd"})
    with pytest.raises(StorageError, match="the row of job j"):
        stored_job({"job_id": "j", "record": "{", "manifest": "{}"})


def test_names_need_no_quoting_anywhere() -> None:
    """No column is a word that SQL reserves, and names are those Tablestore allows."""
    reserved = {"exists", "key", "order", "group", "index", "table", "values", "time", "date", "type", "user", "end"}

    for table in (*TABLES, DAYS, PARKED):
        names = [column.name for column in table.columns]
        assert len(names) == len(set(names))
        for name in names:
            assert re.fullmatch(r"[a-z_][a-z0-9_]*", name)
            assert name not in reserved


def test_the_tables_in_the_document_are_those_of_the_code() -> None:
    """The data dictionary shows every table and column, as described in sinks/table/schema.py."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    shown, _, after = rest.partition(END)
    made = "\n".join(map(described, (*TABLES, DAYS, PARKED)))
    if os.environ.get("UPDATE_DOCS"):
        DOCUMENT.write_text(before + BEGIN + made + END + after, encoding="utf-8")
        return
    assert made == shown


def described(table: Table) -> str:
    """A table as the document shows it."""
    lines = [f"### Table `{table.name}`", table.meaning, "", "| Column | Type | Meaning |", "|---|---|---|"]
    for column in table.columns:
        key = " (key)" if column.key else ""
        lines.append(f"| `{column.name}` | {column.type}{key} | {column.meaning} |")
    return "\n".join(lines) + "\n"
