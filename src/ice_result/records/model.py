"""The record and the manifest, which are written for every finished job."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, NamedTuple, Protocol, TypeAlias, get_args

from pydantic import AliasChoices, Field

from ice_result.core.oss_address import ObjectAddress
from ice_result.core.types import ADDED_LATER, JobId, JsonObject, JsonValue, Model, OpenList
from ice_result.results.model import AnyResult, DecodeStatus, DecodeWarning

RecordState: TypeAlias = Literal["succeeded", "failed", "unknown"]
Outcome: TypeAlias = Literal["ok", "job_failed", "outputs_missing", "false_success", "undecodable"]
NamedBy: TypeAlias = Literal["OutputFiles", "OutputUrls", "Result"]
LookUpProblem: TypeAlias = Literal[
    "not_found", "no_such_bucket", "forbidden", "cross_region", "unreachable", "not_checked"
]
"""The reasons why a look into the store found no object, or no answer."""
DefectCode: TypeAlias = Literal["empty", "truncated", "wrong_type"]
"""The faults of a file that are found in its content."""
ProblemCode: TypeAlias = Literal[
    LookUpProblem, DefectCode, "not_saved", "bucket_unknown", "unmatched_url", "stale", "modified_later", "implausible"
]
NO_ANSWER: frozenset[ProblemCode] = frozenset({"forbidden", "cross_region", "unreachable", "not_checked"})
"""Problems of a look-up that says nothing of the file."""
OF_CONTENT: frozenset[ProblemCode] = frozenset({*get_args(DefectCode), "implausible"})
"""Problems that the content of a file has."""
ContentNoteCode: TypeAlias = Literal[
    "not_found", "no_such_bucket", "forbidden", "cross_region", "unreachable", "archived", "not_read", "too_large",
    "unreadable",
]  # fmt: skip
"""The reasons why an output file is there, or may be there, and its content is not."""
NoteCode: TypeAlias = Literal[ContentNoteCode, "suspicious"]
Container: TypeAlias = Literal[
    "mp4", "mov", "webm", "matroska", "wav", "mp3", "aac", "flac", "ogg", "png", "jpeg", "gif", "webp", "srt", "json"
]
MediaKind: TypeAlias = Literal["video", "audio", "image", "text"]
ContentKind: TypeAlias = Literal["captions", "beats", "chorus"]
CONTENT_OF_ROLES: Mapping[str, ContentKind] = {"caption": "captions", "beats": "beats", "segments": "chorus"}
"""The output files whose content is read, by their roles."""
LARGEST_CONTENT = 4 * 1024 * 1024
"""Bytes of the largest output file that is read."""
SETTLED = 2
"""The highest standing of a record."""


class RecordedInput(Model):
    """Input of the job, with bucket and key if it is in OSS."""

    type: str | None
    media: str | None
    bucket: str | None
    key: str | None


class RecordedOutput(Model):
    """Output of the job as it was asked for; `key` may contain placeholders such as {source}."""

    type: str | None
    biz: str | None
    media: str | None
    output_url: str | None
    bucket: str | None
    key: str | None


class Decode(Model):
    """Degree to which Result could be read."""

    status: DecodeStatus
    warnings: tuple[DecodeWarning, ...]


class Record(Model):
    """Finished job, normalised. A pure function of ICE's response: the same job is always the same bytes."""

    schema_: Literal["ice_result.record/1"] = Field(default="ice_result.record/1", alias="schema")
    job_id: JobId
    region: str | None
    function_name: str
    status: str
    state: RecordState
    outcome: Outcome
    name: str | None
    template_id: str | None
    pipeline_id: str | None
    priority: int | None
    input: RecordedInput
    output: RecordedOutput
    job_params: JsonValue
    user_data: JsonValue
    create_time: datetime | None
    finish_time: datetime | None
    duration_seconds: float | None
    decode: Decode
    result: AnyResult
    file_count: int = Field(validation_alias=AliasChoices("file_count", "files"))  # `files` in earlier versions
    raw: JsonObject

    @property
    def standing(self) -> int:
        """The part of the job's end that is known: 0 nothing, 1 a success without its files or its Result, 2 all of it.

        A record never replaces one of a higher standing.
        """
        if self.state == "unknown":
            return 0
        return 1 if self.outcome in {"outputs_missing", "undecodable"} else SETTLED


class Media(Model):
    """Facts read from the content of a file. A fact is null if the file does not contain it, or if it was not read.

    `width` and `height` are in stored pixels, after the rotation that the file declares is applied; the aspect ratio
    of the pixels is not. `fps` is the average number of frames per second. Codecs have the names of FFmpeg;
    pictures have none. `has_alpha` is true if the picture has an alpha channel or a transparent colour. `bits` is the
    number of bits per audio sample; null for codecs without a fixed sample size.
    """

    container: Annotated[Container, OpenList]
    duration_seconds: float | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    video_codec: str | None = None
    has_alpha: bool | None = None
    audio_codec: str | None = None
    sample_rate_hz: int | None = None
    channels: int | None = None
    bits: int | None = None


class ManifestFile(Model):
    """Output object of a job. `exists` is null when it was not, or could not be, checked.

    `media` is null if the format is not known, or if the file was not read. Manifests of earlier versions have no
    `storage_class` and no `media`.
    """

    uri: str | None
    role: str
    media_type: str | None
    media_id: str | None
    named_by: tuple[NamedBy, ...]
    exists: bool | None
    size_bytes: int | None
    etag: str | None
    crc64: str | None
    last_modified: datetime | None
    storage_class: str | None = Field(default=None, json_schema_extra=ADDED_LATER)
    media: Media | None = Field(default=None, json_schema_extra=ADDED_LATER)


class Problem(Model):
    """Reason why a manifest is not complete, in a stable token and a sentence.

    `rule` is the name of the rule that is not met, and null for a problem that no rule found. Manifests of earlier
    versions do not have it.
    """

    code: Annotated[ProblemCode, OpenList]
    message: str
    uri: str | None
    rule: str | None = Field(default=None, json_schema_extra=ADDED_LATER)


class Note(Model):
    """Something about an output file that does not keep a manifest from being complete, such as a content not read.

    `rule` is the name of the rule that is not met, and null for a note that no rule found. Manifests of earlier
    versions do not have it.
    """

    code: Annotated[NoteCode, OpenList]
    message: str
    uri: str | None
    rule: str | None = Field(default=None, json_schema_extra=ADDED_LATER)


class Manifest(Model):
    """The output files of one job; written last, as the sign that the job is done with.

    `complete` does not depend on `notes`, which manifests of earlier versions do not have.
    """

    schema_: Literal["ice_result.manifest/1"] = Field(default="ice_result.manifest/1", alias="schema")
    job_id: JobId
    function_name: str
    complete: bool
    files: tuple[ManifestFile, ...]
    problems: tuple[Problem, ...]
    notes: tuple[Note, ...] = Field(default=(), json_schema_extra=ADDED_LATER)

    @property
    def suspicious(self) -> int:
        """Number of the notes of rules."""
        return sum(note.code == "suspicious" for note in self.notes)

    @property
    def output_seconds(self) -> float | None:
        """Sum of the known durations of the files that exist and have no defect; None when none is known."""
        damaged = {problem.uri for problem in self.problems if problem.code in get_args(DefectCode)}
        known = [
            file.media.duration_seconds
            for file in self.files
            if file.exists and file.media and file.media.duration_seconds is not None and file.uri not in damaged
        ]
        return round(sum(known), 3) if known else None


class Defect(NamedTuple):
    """A fault of a file that is found in its content, in a stable token and a sentence."""

    code: DefectCode
    message: str


class ObjectFacts(NamedTuple):
    """The answer of a store about an object. With `exists` None, `problem` says why there is no answer.

    `media` and all fields after it are known only if bytes of the object were read (`is_read`); `media` and `defect`
    may also be those of an earlier check of the same bytes. `is_silent` is true if all audio samples that were read are
    zero, and None if samples cannot be read. `kinds` are the kinds of content in the file; None unless all of them are
    known. `pixel_aspect` is the width of a pixel divided by its height; None if the file has none.
    """

    exists: bool | None
    size_bytes: int | None = None
    etag: str | None = None
    crc64: str | None = None
    media_type: str | None = None
    last_modified: datetime | None = None
    storage_class: str | None = None
    problem: LookUpProblem | None = None
    message: str = ""
    media: Media | None = None
    defect: Defect | None = None
    is_silent: bool | None = None
    kinds: frozenset[MediaKind] | None = None
    pixel_aspect: float | None = None
    is_read: bool = False

    @property
    def aspect_ratio(self) -> float | None:
        """Width divided by height, as displayed; None if either is not known.

        Facts of an earlier check have no `pixel_aspect`, so that nothing is known of them.
        """
        if not self.is_read or self.media is None or not self.media.width or not self.media.height:
            return None
        return self.media.width * (self.pixel_aspect or 1) / self.media.height

    def has_bytes_of(self, before: ObjectFacts | None) -> bool:
        """Return whether the object has the bytes that it had before, as far as size and ETag show it."""
        return before is not None and (self.exists, self.size_bytes, self.etag) == (
            before.exists,
            before.size_bytes,
            before.etag,
        )


class ObjectInspector(Protocol):
    """A place in which output files are looked up."""

    def load(self) -> None:
        """Make ready all that needs no call: imports, for which the first call would wait."""
        ...

    def facts(self, address: ObjectAddress) -> ObjectFacts:
        """Look the object up. Never raises for what the store answers."""
        ...
