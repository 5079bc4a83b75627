"""Stored records and manifests of this version and of earlier ones, read for the parts that are not rebuilt.

A record is read for the job, its region and the response; a manifest for the facts of each file, which may also be
looked up again. The other fields are rebuilt from the response, so they may be missing, or have forms that this version
does not write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from ice_result.core.json_text import MAX_BYTES, MAX_DEPTH, load
from ice_result.core.types import JobId, JsonObject, JsonValue
from ice_result.errors import InvalidResponseError, NotJsonError, shorten
from ice_result.jobs.model import Job
from ice_result.records.model import OF_CONTENT, Manifest, Note, ObjectFacts, Problem, Record
from ice_result.records.stored_facts import facts_in
from ice_result.rules.model import Judgement
from ice_result.sinks.base import StoredBytes
from ice_result.sinks.object.pointers import Pointer

_Entry = TypeVar("_Entry", Note, Problem)
_SCHEMA = re.compile(r"(?P<name>[a-z_.]{1,64})/(?P<version>[0-9]{1,6})")
_TIME = TypeAdapter(AwareDatetime)
_LARGER, _DEEPER = 8, 2  # a document contains the response, and the values that were decoded from it


class NotRewritableError(Exception):
    """Error of a stored job that must stay as it is. `reason` is a stable token, with which the message begins."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason


@dataclass(frozen=True)
class OldRecord:
    """The parts of a stored record that are not rebuilt. `raw` is empty when it was too large for the store."""

    job_id: JobId
    function_name: str
    create_time: datetime | None
    region: str | None
    raw: JsonObject


def read_record(data: bytes, default_region: str | None) -> OldRecord:
    """Read a stored record. `default_region` is for versions that did not store one. Raises NotRewritableError."""
    document = _document(data, Record)
    region = document.get("region", default_region)
    job_id, name, raw = document.get("job_id"), document.get("function_name"), document.get("raw")
    if not isinstance(job_id, str) or not job_id:
        raise NotRewritableError("damaged", "the record names no job")
    return OldRecord(
        job_id=JobId(job_id),
        function_name=name if isinstance(name, str) else "",
        create_time=_time(document.get("create_time")),
        region=region if isinstance(region, str) else None,
        raw=raw if isinstance(raw, dict) else {},
    )


def read_job(record: OldRecord, archived: StoredBytes | None) -> Job:
    """Read the job from the response in a record, or in `archived` without one. Raises NotRewritableError."""
    raw = record.raw or (read_record(archived.record, record.region).raw if archived else {})
    if not raw:
        raise NotRewritableError("no_raw", "the response is not in the record, nor in a store that it points to")
    try:
        return Job.from_response(record.job_id, raw)
    except InvalidResponseError as error:
        raise NotRewritableError("damaged", f"{error}") from error


def read_facts(stored: StoredBytes) -> Mapping[str, ObjectFacts] | None:
    """Read the facts of each file by its address; None when no file was looked up. Raises NotRewritableError."""
    if stored.manifest is None:
        raise NotRewritableError("no_manifest", "its files were never looked up; verify it, or process it again")
    if not stored.files_stored:
        raise NotRewritableError("no_raw", "the files are not in the manifest, nor in a store that it points to")
    manifest = _document(stored.manifest, Manifest)
    problems = _objects(manifest.get("problems"))
    if any(problem.get("code") == "not_checked" and problem.get("uri") is None for problem in problems):
        return None
    try:
        return facts_in(manifest)
    except ValidationError as error:
        wrong = ", ".join(sorted({str(each["loc"][0]) for each in error.errors() if each["loc"]}))
        raise NotRewritableError("damaged", f"a file of the manifest cannot be read: {wrong}") from error


def read_notes(stored: StoredBytes) -> tuple[Note, ...]:
    """Read the notes about contents of a stored manifest. Raises NotRewritableError for a damaged one."""
    return tuple(_read_each(stored, "notes", Note, lambda code: code != "suspicious"))


def read_findings(stored: StoredBytes) -> Judgement:
    """Read what rules found when the stored manifest was made. Raises NotRewritableError for a damaged one."""
    return Judgement(
        tuple(_read_each(stored, "problems", Problem, lambda code: code == "implausible")),
        tuple(_read_each(stored, "notes", Note, lambda code: code == "suspicious")),
    )


def _read_each(
    stored: StoredBytes, name: str, model: type[_Entry], is_wanted: Callable[[JsonValue], bool]
) -> Iterator[_Entry]:
    """Read the wanted entries of a list in a stored manifest, by their codes."""
    manifest = parsed(stored.manifest)
    for entry in _objects(manifest.get(name)) if isinstance(manifest, dict) else ():
        if is_wanted(entry.get("code")):
            try:
                yield model.model_validate(entry)
            except ValidationError as error:
                what = name.removesuffix("s")
                raise NotRewritableError("damaged", f"a {what} of the manifest cannot be read") from error


def has_findings(stored: StoredBytes) -> bool:
    """Return True when the stored manifest has a problem of the content of a file."""
    manifest = parsed(stored.manifest)
    problems = _objects(manifest.get("problems")) if isinstance(manifest, dict) else []
    return any(problem.get("code") in OF_CONTENT for problem in problems)


def is_complete(stored: StoredBytes) -> bool:
    """Return True when the stored manifest is complete and has its files."""
    manifest = parsed(stored.manifest)
    return isinstance(manifest, dict) and manifest.get("complete") is True and stored.files_stored


def is_later(stored: StoredBytes) -> bool:
    """Return True for a job of a version that this one does not know, which must not be replaced."""
    try:
        _document(stored.record, Record)
        if stored.manifest is not None:
            _document(stored.manifest, Manifest)
        if stored.pointer is not None:
            _document(stored.pointer, Pointer)
    except NotRewritableError as error:
        return error.reason != "damaged"
    return False


def parsed(data: bytes | None) -> JsonValue:
    """Parse a stored document; None for a missing or invalid one."""
    try:
        return None if data is None else load(data, max_bytes=_LARGER * MAX_BYTES, max_depth=_DEEPER * MAX_DEPTH)
    except NotJsonError:
        return None


def _document(data: bytes, model: type[Record | Manifest | Pointer]) -> JsonObject:
    what = model.__name__.lower()
    document = parsed(data)
    if not isinstance(document, dict):
        raise NotRewritableError("damaged", f"the {what} is not a JSON object")
    ours, theirs = _SCHEMA.fullmatch(_schema_of(model)), _SCHEMA.fullmatch(str(document.get("schema")))
    named = shorten(str(document.get("schema")))[:64]
    if not ours or not theirs or theirs["name"] != ours["name"]:
        raise NotRewritableError(
            "unknown_schema", f"the {what} is {named}, and this version writes {_schema_of(model)}"
        )
    if int(theirs["version"]) > int(ours["version"]):
        raise NotRewritableError("newer", f"the {what} is {named}, and this version writes {_schema_of(model)}")
    return document


def _schema_of(model: type[Record | Manifest | Pointer]) -> str:
    return str(model.model_fields["schema_"].default)


def _objects(value: JsonValue) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _time(value: JsonValue) -> datetime | None:
    try:
        return _TIME.validate_python(value)
    except ValidationError:
        return None
