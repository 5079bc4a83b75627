"""Several writings of one job with different content, which stores of tables must keep apart."""

from __future__ import annotations

from typing import NamedTuple

from ice_result.core.types import JsonObject, JsonValue
from ice_result.records.model import Manifest, Record
from ice_result.sinks.table.rows import Row, Rows, rows_of
from ice_result.sinks.table.schema import SCHEMA_VERSION


class Writing(NamedTuple):
    """A writing of job-1: `covers` items and one output fewer; `rank` orders the writings, the greatest wins."""

    name: str
    rank: int
    rows: Rows

    @property
    def content(self) -> tuple[list[str], list[str], list[str]]:
        """Generations in the three tables of a store when this writing has won."""
        generation = self.rows.generation
        return [generation], [generation] * len(self.rows.outputs), [generation] * len(self.rows.items)


def record(covers: int, finish_time: str | None, /, **changes: JsonValue) -> Record:
    """Make a Cover job with this many covers."""
    nothing = dict.fromkeys(("name", "template_id", "pipeline_id", "priority", "job_params", "user_data"))
    cover = {"score": 1.5, "time_seconds": 2.0, "path": "a.jpg", "uri": "oss://b/a.jpg"}
    return Record.model_validate(
        {
            **nothing,
            "job_id": "job-1",
            "region": "cn-shanghai",
            "function_name": "Cover",
            "status": "Success",
            "state": "succeeded",
            "outcome": "ok",
            "input": {"type": "OSS", "media": "oss://b/in.mp4", "bucket": "b", "key": "in.mp4"},
            "output": {"type": "OSS", "biz": None, "media": None, "output_url": None, "bucket": "b", "key": "out"},
            "create_time": "2026-03-01T08:00:00Z",
            "finish_time": finish_time,
            "duration_seconds": None,
            "decode": {"status": "decoded", "warnings": []},
            "result": {"kind": "covers", "covers": [{"rank": n, **cover} for n in range(1, covers + 1)]},
            "file_count": covers,
            "raw": {"JobId": "job-1", "Name": "智能封面"},
            **changes,
        }
    )


def manifest(files: int, job_id: str = "job-1", media: JsonObject | None = None) -> Manifest:
    """Make a complete manifest with this many files, each of which has these facts of `media`."""
    facts = {"exists": True, "size_bytes": 7, "etag": "E", "crc64": "9", "last_modified": "2026-03-02T00:00:00Z"}
    facts |= {"storage_class": "IA", "media": media}
    usual = {"role": "cover", "media_type": "image/jpeg", "media_id": None, "named_by": ["OutputFiles", "Result"]}
    listed = [{"uri": f"oss://b/{number}.jpg", **usual, **facts} for number in range(files)]
    return Manifest.model_validate(
        {"job_id": job_id, "function_name": "Cover", "complete": True, "files": listed, "problems": []}
    )


def writing(name: str, rank: int, covers: int, finish_time: str | None, **changes: JsonValue) -> Writing:
    """Make a writing of job-1 by this version of the program."""
    return Writing(name, rank, rows_of(record(covers, finish_time, **changes), manifest(covers - 1)))


def of_schema(schema_version: int, made: Writing) -> Writing:
    """Make the writing of a version of this program with that schema."""
    generation = f"{schema_version:06d}/{made.rows.generation.partition('/')[2]}"

    def of(row: Row) -> Row:
        return {**row, "generation": generation}

    job = {**of(made.rows.job), "schema_version": schema_version}
    return made._replace(rows=Rows(job, tuple(map(of, made.rows.outputs)), tuple(map(of, made.rows.items))))


WRITINGS = (
    writing("unknown finish time", 0, 5, None),
    writing("old", 1, 3, "2026-03-02T08:00:00Z"),
    writing("new", 2, 2, "2026-03-02T08:00:00.5Z"),
    of_schema(SCHEMA_VERSION + 1, writing("newer schema", 3, 4, "2026-03-01T08:00:00Z")),
)
"""Each with another number of rows, so that what is left over of one would show."""
ANSWERS = (
    writing("not a known state", 0, 5, "2026-03-04T08:00:00Z", state="unknown", status="Odd", outcome="undecodable"),
    writing("outputs missing", 1, 3, "2026-03-03T08:00:00Z", outcome="outputs_missing"),
    writing("ok", 2, 2, "2026-03-02T08:00:00Z"),
)
"""What ICE may answer of one job: the one that says least has the latest time."""
