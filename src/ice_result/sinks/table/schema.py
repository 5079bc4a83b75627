"""Records and manifests as rows: the tables, described once for every store that keeps tables.

ice_jobs     one row for each job                                key job_id
ice_outputs  one row for each output file of the manifest        key job_id, number
ice_items    one row for each cover, segment, channel or cue     key job_id, number
ice_contents one row for each file whose content was read        key job_id, number
ice_parked   one row for each parked event and each note         key object_key     only in SQLite

A job may be written again, by a newer version of this program, after it was run anew, or because an event came
twice. `generation` says which writing wins: a row gives way only to one of the same or a later generation.

    000002/0/                              neither succeeded nor failed
    000002/1/2026-03-02T08:16:02.000000Z   succeeded, its outputs missing
    000002/2/2026-03-02T08:16:02.000000Z   every other end

An answer that says less of a job never replaces one that says more, whenever each was written. All rows of one job
have the generation of its row in ice_jobs; where a store cannot change three tables in one step, rows with another one
are on their way in or out, and a join on job_id and generation leaves them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ice_result.results.model import SHARED_COLUMNS, ColumnType, ItemColumn, families

SCHEMA_VERSION = 2
"""Version of the tables. It rises when a column changes its meaning, or when rows decoded before must give way."""


class Column(NamedTuple):
    """Column of a table. Only key columns are never null.

    A column that is `apart` is not one of the rows that are made of a job: writing these leaves its value as it is.
    """

    name: str
    type: ColumnType
    meaning: str
    key: bool = False
    apart: bool = False


class Table(NamedTuple):
    """Table with its columns, the key first."""

    name: str
    meaning: str
    columns: tuple[Column, ...]

    @property
    def written(self) -> tuple[Column, ...]:
        """Columns that are written together, from the record and the manifest of a job."""
        return tuple(column for column in self.columns if not column.apart)

    @property
    def key(self) -> tuple[Column, ...]:
        """Columns that identify a row."""
        return tuple(column for column in self.columns if column.key)


def _text(name: str, meaning: str, *, key: bool = False) -> Column:
    return Column(name, "text", meaning, key)


def _integer(name: str, meaning: str, *, key: bool = False) -> Column:
    return Column(name, "integer", meaning, key)


def _real(name: str, meaning: str) -> Column:
    return Column(name, "real", meaning)


def _boolean(name: str, meaning: str) -> Column:
    return Column(name, "boolean", meaning)


def _one_of(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}"


_FAMILIES = families()
_JOB_ID = _text("job_id", "the job", key=True)
_GENERATION = _text(
    "generation",
    "version of the job's rows: schema_version in six digits, `/`, rank (0: neither succeeded nor failed; 1: "
    "outputs_missing or undecodable; 2: any other end), `/`, finish_time (empty if unknown); the greatest wins",
)
_FUNCTION = _text("function_name", "the algorithm")

JOBS = Table(
    "ice_jobs",
    "One row for each job.",
    (
        _JOB_ID,
        _GENERATION,
        _integer("schema_version", f"version of these tables: {SCHEMA_VERSION}"),
        _text("region", "the region in which ICE was asked"),
        _FUNCTION,
        _text("status", "ICE's own word"),
        _text("state", "succeeded, failed or unknown"),
        _text("outcome", "ok, job_failed, outputs_missing, false_success or undecodable"),
        _text("name", "the job's name, given at submission"),
        _text("template_id", "the template that was used"),
        _text("pipeline_id", "the pipeline (queue) in which it ran"),
        _integer("priority", "as submitted; null if it is not an integer"),
        _text("input_type", "OSS or Media"),
        _text("input_media", "an address in OSS, or a media id"),
        _text("input_bucket", "bucket of that address"),
        _text("input_key", "key of that address"),
        _text("output_type", "OSS or Media"),
        _text("output_biz", "the media library: IMS or VOD"),
        _text("output_media", "an address in OSS, or a media id"),
        _text("output_url", "the address of the output, without its query"),
        _text("output_bucket", "bucket of the address"),
        _text("output_key", "key as it was submitted; may contain placeholders"),
        _text("user_data", "text given at submission, unchanged; `record` has it parsed if it is JSON"),
        _text("create_time", "when the job was created"),
        _text("finish_time", "when it was finished"),
        _real("duration_seconds", "time from creation to finish, with the waiting time; s"),
        _text("decode_status", "decoded, empty, partial or undecodable"),
        _integer("decode_warnings", "number of warnings; they are in `record`"),
        _text("result_kind", _one_of(_FAMILIES)),
        _integer("file_count", "number of output files that the response names"),
        _integer("files_present", "number of these files that are in OSS"),
        _real(
            "output_seconds",
            "sum of `duration_seconds` of these files in ice_outputs, except those with a problem `empty`, `truncated` "
            "or `wrong_type`; s; null if none is known",
        ),
        _boolean("complete", "true if the outcome is ok, every file is in OSS, and there is no problem"),
        _integer("problems", "number of problems; they are in `manifest`"),
        _boolean("raw_stored", "whether `record` has the response; false if it was too large for the store"),
        _boolean("result_stored", "whether `record` has the result; false if it was too large even without `raw`"),
        _boolean("files_stored", "whether `manifest` has the files; false if they were too many; see ice_outputs"),
        _text(
            "raw_uri",
            "address of the whole record, if one of the three is false: its object in the first object sink; the "
            "manifest is beside it",
        ),
        _text("record", "the record, as JSON"),
        _text("manifest", "the manifest, as JSON"),
        Column(
            "notified",
            "text",
            "JSON: the id of the last acknowledged notification for each target; null without notifications, and in "
            "every sink except the first",
            apart=True,
        ),
    ),
)
MEDIA_COLUMNS = (
    _text("container", "its format, detected from the content: mp4, wav, jpeg, …; null if not known or not read"),
    _real("duration_seconds", "its duration; s"),
    _integer("width", "width of the picture in stored pixels, after rotation"),
    _integer("height", "height of the picture in stored pixels, after rotation"),
    _real("fps", "average number of frames per second"),
    _text("video_codec", "codec of the video, as FFmpeg names it: h264, hevc, vp9, …"),
    _boolean("has_alpha", "true if the picture has an alpha channel or a transparent colour"),
    _text("audio_codec", "codec of the audio, as FFmpeg names it: aac, mp3, pcm_s16le, …"),
    _integer("sample_rate_hz", "sample rate of the audio; Hz"),
    _integer("channels", "number of audio channels"),
    _integer("bits", "bits per audio sample; null for codecs without a fixed sample size"),
)
"""Columns of ice_outputs that contain the facts of `Media`. Each is null when the fact is not known."""
OUTPUTS = Table(
    "ice_outputs",
    "One row for each output file of the manifest.",
    (
        _JOB_ID,
        _integer("number", "place in the manifest, from 1", key=True),
        _GENERATION,
        _FUNCTION,
        _text("uri", "`oss://bucket/key`; null if no field names the bucket"),
        _text("bucket", "bucket of the uri"),
        _text("object_key", "key of the uri"),
        _text("role", "what the file is for: cover, video, caption, …"),
        _text("media_type", "media type from OSS, or from the file's extension"),
        _text("media_id", "its id in the media library"),
        _text("named_by", "the fields that name it, comma-separated: OutputFiles, OutputUrls, Result"),
        _boolean("present", "whether it is in OSS; null if this was not, or could not be, checked"),
        _integer("size_bytes", "its size, from OSS; bytes"),
        _text("etag", "its ETag, from OSS"),
        _text("crc64", "its CRC-64, a decimal number, from OSS"),
        _text("last_modified", "when it was last written, from OSS"),
        _text("storage_class", "its storage class, from OSS: Standard, IA, Archive, …"),
        *MEDIA_COLUMNS,
    ),
)


def _item_columns() -> Iterator[Column]:
    """List the columns of all families: the shared ones first, then those of each family in its own order.

    A column that several families have gets all their meanings.
    """
    found: dict[str, list[ItemColumn]] = {name: [] for name in SHARED_COLUMNS}
    for family in _FAMILIES.values():
        for column in family.item_columns:
            found.setdefault(column.name, []).append(column)
    for name, columns in found.items():
        meanings = dict.fromkeys(column.meaning for column in columns)
        yield Column(name, columns[0].type, "; ".join([*meanings, *filter(None, [columns[0].unit])]))


FAMILY_COLUMNS = (*_item_columns(), _text("text", "cue: the words that are shown"))
"""Columns of ice_items that contain values of results and of contents; a new family of results adds its own."""
FIRST_CONTENT_ITEM = 1_000_000
"""Number in ice_items from which the items of contents are: those of file `n` follow `n` times this number."""
_ITEM_KINDS = [family.item_kind for family in _FAMILIES.values() if family.item_kind]
ITEMS = Table(
    "ice_items",
    "One row for each cover, segment or channel that the algorithm found, and for each cue, beat and chorus of a file "
    "that was read. Columns of other kinds are null.",
    (
        _JOB_ID,
        _integer(
            "number",
            f"position in the result, from 1; for items of file n: n × {FIRST_CONTENT_ITEM:,} + position in the file",
            key=True,
        ),
        _GENERATION,
        _FUNCTION,
        _text("kind", _one_of((*_ITEM_KINDS, "cue", "beat", "chorus"))),
        *FAMILY_COLUMNS,
    ),
)
CONTENTS = Table(
    "ice_contents",
    "One row for each output file whose content was read. Its items are in `ice_items`.",
    (
        _JOB_ID,
        _integer("number", "place among the files of the job whose content is read, from 1", key=True),
        _GENERATION,
        _FUNCTION,
        _text("uri", "`oss://bucket/key` of the file"),
        _text("kind", "captions, beats or chorus"),
        _text("encoding", "utf-8, utf-16-le, utf-16-be or gb18030"),
        _integer("size_bytes", "size of the file; bytes"),
        _text("sha256", "SHA-256 of the file, in hexadecimal"),
        _boolean("inferred", "whether no page of ICE describes the form of the file"),
        _boolean("in_order", "whether the items in the file are sorted by time"),
        _integer("item_count", "number of its rows in `ice_items`"),
        _integer("empty_count", "number of cues without text, which were dropped"),
        _integer("overlap_count", "number of items that begin before an earlier one ends"),
        _integer("reversed_count", "number of items whose end was before their start; the two were swapped"),
        _integer("skipped_count", "number of lines or values without a time that can be read"),
        _integer("replaced_count", "number of places that are no characters of the encoding; U+FFFD stands there"),
        _text(
            "document",
            "the content, as JSON; in Tablestore without its items if it was too large with them, or null",
        ),
    ),
)
TABLES = (JOBS, OUTPUTS, ITEMS, CONTENTS)
DAYS = Table(
    "ice_days",
    "Only in Tablestore: an index of jobs by time. A row whose time differs from that of its job is outdated.",
    (
        _text("day", "the UTC day of `moment`", key=True),
        _text("moment", "finish_time, or create_time if that is unknown; all zeros if both are unknown", key=True),
        _JOB_ID,
        _FUNCTION,
    ),
)
PARKED = Table(
    "ice_parked",
    "Only in SQLite: one row for each parked event and each note of an expected job. `document` has all of it.",
    (
        _text(
            "object_key", "the key that the document has in an object store: `parked/<reason>/<job id>.json`", key=True
        ),
        _text("kind", "parked or expected; null for an internal document of ice-result"),
        _text("reason", "parked: why the job could not be finished"),
        _text("job_id", "the job; null if the event names none, and for several events in one envelope"),
        _integer("attempts", "parked: number of attempts without success"),
        _boolean("dead", "parked: whether only a person retries it"),
        _text("error", "parked: the message of the last error"),
        _text("first_parked", "parked: when the event was parked first"),
        _text("due_at", "expected: when the job should be recorded"),
        _text("written", "when the row was written last"),
        _text("document", "the parked event or the note, as JSON"),
    ),
)
SQLITE_TABLES = (*TABLES, PARKED)
