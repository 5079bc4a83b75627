"""A record and its manifest as the rows of one job, and a job's row as a line of a listing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pydantic import ValidationError

from ice_result.core.types import Model
from ice_result.errors import StorageError
from ice_result.records.model import Manifest, ManifestFile, Media, Record
from ice_result.results.model import Result
from ice_result.sinks.base import JobLine, StoredBytes, StoredJob, WrittenJob
from ice_result.sinks.table.schema import CONTENTS, FIRST_CONTENT_ITEM, ITEMS, JOBS, OUTPUTS, SCHEMA_VERSION, Table

if TYPE_CHECKING:
    from ice_result.contents.model import Content, ContentItem

Value: TypeAlias = str | int | float | bool | None
Row: TypeAlias = Mapping[str, Value]
LINE_COLUMNS = tuple(JobLine.model_fields)
"""Columns of ice_jobs that make a JobLine."""
OUTPUT_SECONDS = "output_seconds"
"""Column of ice_jobs that a WrittenJob has too."""
OLD_FILE_COUNT = "files"
"""Name of `file_count` in version 1 of the tables."""
FOUND_COLUMNS = ("job_id", "record", "manifest")
"""Columns of ice_jobs that contain everything about a job."""
STORED_COLUMNS = ("job_id", "generation", "raw_uri", *FOUND_COLUMNS[1:])
"""Columns of ice_jobs that distinguish one writing of a job from another."""
CONTENT_ITEM_COLUMNS = ("generation", "time_seconds", "start_seconds", "end_seconds", "text", "title")
"""Columns of ice_items that contain an item of a content."""
PARTS = ("raw", "result", "files")
"""Parts of `record` and `manifest` that a store may leave out, as the columns `raw_stored` and so on record."""
_INTEGERS = range(-(2**63), 2**63)


class ContentRows(NamedTuple):
    """Rows of the contents of one job: one for each file, and one for each of their items."""

    files: tuple[Row, ...]
    items: tuple[Row, ...]


class Rows(NamedTuple):
    """Rows of one job. `contents` is None when the rows of contents that are stored stay, with a new generation."""

    job: Row
    outputs: tuple[Row, ...]
    items: tuple[Row, ...]
    contents: ContentRows | None = None

    @property
    def job_id(self) -> str:
        """Id of the job."""
        return str(self.job["job_id"])

    @property
    def generation(self) -> str:
        """Generation, which all the rows have."""
        return str(self.job["generation"])

    @property
    def details(self) -> tuple[tuple[Table, tuple[Row, ...]], ...]:
        """Rows beside the job's own, by table; those of contents, if they are written, among them."""
        if self.contents is None:
            return (OUTPUTS, self.outputs), (ITEMS, self.items)
        return (OUTPUTS, self.outputs), (ITEMS, (*self.items, *self.contents.items)), (CONTENTS, self.contents.files)


def rows_of(record: Record, manifest: Manifest, contents: Sequence[Content] | None = None) -> Rows:
    """Make the rows of a job. `contents` None leaves those of contents as they are."""
    common: Row = {
        "job_id": record.job_id,
        "generation": generation(SCHEMA_VERSION, record),
        "function_name": record.function_name,
    }
    return Rows(
        _row(JOBS, common, _job(record, manifest)),
        tuple(_row(OUTPUTS, common, {"number": n, **_output(file)}) for n, file in enumerate(manifest.files, 1)),
        tuple(_row(ITEMS, common, item) for item in _items(record.result)),
        None if contents is None else _content_rows(contents, common),
    )


def generation(schema_version: int, record: Record) -> str:
    """Return the rank of a writing, as a text: the greater one wins. An unknown finish time is the earliest."""
    return f"{schema_version:06d}/{record.standing}/{time_text(record.finish_time) or ''}"


def time_text(moment: datetime | None) -> str | None:
    """Return RFC 3339 in UTC, always of the same width: such texts sort as the times do."""
    if moment is None:
        return None
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def job_line(row: Row) -> JobLine:
    """Read a line of a listing from LINE_COLUMNS and OLD_FILE_COUNT. Raises StorageError for a row that is not ours."""
    count = row.get("file_count", row.get(OLD_FILE_COUNT))
    try:
        return JobLine.model_validate({**{name: row.get(name) for name in LINE_COLUMNS}, "file_count": count})
    except ValidationError as error:
        raise _unreadable(row, error) from error


def written_job(row: Row) -> WrittenJob:
    """Read a summary as above, with OUTPUT_SECONDS; a row of an earlier version does not have that column."""
    seconds = row.get(OUTPUT_SECONDS)
    return WrittenJob(job_line(row), output_seconds=seconds if isinstance(seconds, float) else None)


def stored_job(row: Row) -> StoredJob:
    """Read a stored job from the columns FOUND_COLUMNS. Raises StorageError for a row that is not ours."""
    raw_uri = row.get("raw_uri")
    try:
        return StoredJob(
            record=Record.model_validate_json(str(row.get("record"))),
            manifest=Manifest.model_validate_json(str(row.get("manifest"))),
            left_out=tuple(part for part in PARTS if row.get(f"{part}_stored") is False),
            whole_uri=None if raw_uri is None else str(raw_uri),
        )
    except ValidationError as error:
        raise _unreadable(row, error) from error


def stored_bytes(row: Row) -> StoredBytes:
    """Read the content of a row of any version, from the columns STORED_COLUMNS."""
    record, manifest, raw_uri = (row.get(name) for name in ("record", "manifest", "raw_uri"))
    return StoredBytes(
        key=str(row["job_id"]),
        record=str(record or "").encode(),
        manifest=None if manifest is None else str(manifest).encode(),
        generation=str(row.get("generation") or ""),
        raw_uri=None if raw_uri is None else str(raw_uri),
        files_stored=bool(row.get("files_stored", True)),
    )


def json_of(document: Model) -> str:
    """Return a document as the columns `record`, `manifest` and `document` contain it."""
    return document.model_dump_json(by_alias=True)


def size(row: Row) -> int:
    """Count the bytes of names and values; a number counts as 8."""
    return sum(len(name) + (len(value.encode()) if isinstance(value, str) else 8) for name, value in row.items())


def _unreadable(row: Row, error: ValidationError, table: Table = JOBS) -> StorageError:
    wrong = ", ".join(sorted({str(problem["loc"][0]) for problem in error.errors() if problem["loc"]}))
    return StorageError(
        f"{table.name}: the row of job {row.get('job_id')} is not one this version can read: {wrong or 'not JSON'}; "
        "`ice-result redecode` brings rows of earlier versions up to date"
    )


def _row(table: Table, *parts: Row) -> Row:
    """Return the columns of `table` in their order, null where no part has them."""
    values = {name: value for part in parts for name, value in part.items()}
    return {column.name: _fitting(values.get(column.name)) for column in table.written}


def _fitting(value: Value) -> Value:
    """Return the value as a store can keep it: an integer beyond 64 bits is null here, and whole in `record`."""
    return None if isinstance(value, int) and value not in _INTEGERS else value


def _job(record: Record, manifest: Manifest) -> Row:
    return {
        "schema_version": SCHEMA_VERSION,
        **{name: getattr(record, name) for name in _AS_RECORDED},
        **{f"input_{name}": value for name, value in record.input.model_dump().items()},
        **{f"output_{name.removeprefix('output_')}": value for name, value in record.output.model_dump().items()},
        "user_data": _sent_user_data(record),
        "create_time": time_text(record.create_time),
        "finish_time": time_text(record.finish_time),
        "decode_status": record.decode.status,
        "decode_warnings": len(record.decode.warnings),
        "result_kind": record.result.kind,
        "files_present": sum(file.exists is True for file in manifest.files),
        OUTPUT_SECONDS: manifest.output_seconds,
        "complete": manifest.complete,
        "problems": len(manifest.problems),
        **{f"{part}_stored": True for part in PARTS},
        "raw_uri": None,
        "record": json_of(record),
        "manifest": json_of(manifest),
    }


_AS_RECORDED = (
    "region", "status", "state", "outcome", "name", "template_id", "pipeline_id", "priority", "duration_seconds",
    "file_count",
)  # fmt: skip


def _sent_user_data(record: Record) -> str | None:
    """Return the text as it was sent, which other systems join on."""
    sent = record.raw.get("UserData")
    return sent if isinstance(sent, str) and sent.strip() else None


def _output(file: ManifestFile) -> Row:
    bucket, _, key = (file.uri or "").removeprefix("oss://").partition("/")
    return {
        **file.model_dump(exclude={"media"}),
        **(file.media.model_dump() if file.media else {}),
        "bucket": bucket or None,
        "object_key": key or None,
        "named_by": ",".join(file.named_by),
        "present": file.exists,
        "last_modified": time_text(file.last_modified),
    }


def manifest_file(row: Row) -> ManifestFile:
    """Read a file of a manifest from its row in ice_outputs. Raises StorageError for a row that is not ours."""
    media = {name: row.get(name) for name in Media.model_fields}
    try:
        return ManifestFile.model_validate(
            {
                **{name: row.get(name) for name in ManifestFile.model_fields.keys() - {"named_by", "exists", "media"}},
                "named_by": tuple(str(row.get("named_by") or "").split(",")),
                "exists": row.get("present"),
                "media": None if media["container"] is None else media,
            }
        )
    except ValidationError as error:
        raise _unreadable(row, error, OUTPUTS) from error


def _items(result: Result) -> Iterator[Row]:
    """List the rows of a result; `{"mos": {"score": 4.1}}` → `{"mos_score": 4.1}`."""
    for number, item in enumerate(result.items(), 1):
        row: dict[str, Value] = {"number": number, "kind": result.item_kind}
        for name, value in item.model_dump().items():
            if isinstance(value, dict):
                row.update({f"{name}_{part}": each for part, each in value.items()})
            else:
                row[name] = value
        yield row


def _content_rows(contents: Sequence[Content], common: Row) -> ContentRows:
    """Make the rows of contents; item 7 of file 2 has the number 2000007.

    There may be many items, so their rows have only the columns that have a value.
    """
    files = (_row(CONTENTS, common, _content(content)) for content in contents)
    items: Iterator[Row] = (
        {**common, "number": content.number * FIRST_CONTENT_ITEM + place, **_content_item(content, item)}
        for content in contents
        for place, item in enumerate(content.items, start=1)
    )
    return ContentRows(tuple(files), tuple(items))


def _content(content: Content) -> Row:
    same = content.model_dump(include={column.name for column in CONTENTS.columns})
    return {**same, "item_count": len(content.items), "document": json_of(content)}


def _content_item(content: Content, item: ContentItem) -> Row:
    start, end = item.start_seconds, item.end_seconds
    if content.kind == "beats":
        return {"kind": "beat", "time_seconds": start}
    times: Row = {
        "start_seconds": start,
        "end_seconds": end,
        "duration_seconds": None if end is None else round(end - start, 6),
    }
    if content.kind == "captions":
        return {"kind": "cue", **times, "text": item.text}
    return {"kind": "chorus", **times, "title": item.text}


def content_item(row: Row) -> ContentItem:
    """Read an item of a content from its row in ice_items. Raises StorageError for a row that is not ours."""
    from ice_result.contents.model import ContentItem  # noqa: PLC0415  only for a job that has contents

    start, text = row.get("start_seconds"), row.get("text")
    values = {
        "start_seconds": row.get("time_seconds") if start is None else start,
        "end_seconds": row.get("end_seconds"),
        "text": row.get("title") if text is None else text,
    }
    try:
        return ContentItem.model_validate(values)
    except ValidationError as error:
        raise _unreadable(row, error, ITEMS) from error


def stored_content(row: Row) -> Content:
    """Read a stored content from its row. Raises StorageError for a row that is not ours, or without its document."""
    from ice_result.contents.model import Content  # noqa: PLC0415  only for a job that has contents

    document = row.get("document")
    if document is None:
        job = f"{CONTENTS.name}: content {row.get('number')} of job {row.get('job_id')}"
        raise StorageError(f"{job} was too large for this store, which has its items in {ITEMS.name}")
    try:
        return Content.model_validate_json(str(document))
    except ValidationError as error:
        raise _unreadable(row, error, CONTENTS) from error
