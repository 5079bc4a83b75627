"""Record, files and what the store says of them → Manifest."""

from __future__ import annotations

from collections.abc import Mapping

from ice_result.addresses import ObjectAddress
from ice_result.records.files import OutputFile, OutputFiles
from ice_result.records.model import Manifest, ManifestFile, NamedBy, ObjectFacts, Problem, Record
from ice_result.records.roles import media_type_of

_UNKNOWN = ObjectFacts(exists=None)


def build_manifest(record: Record, files: OutputFiles, facts: Mapping[ObjectAddress, ObjectFacts] | None) -> Manifest:
    """The manifest of a job; `facts` holds what the store said of each address, None when nobody was asked."""
    entries = tuple(_entry(file, _facts_of(file, facts)) for file in files.files)
    problems = [_not_saved(named_by) for named_by in files.not_saved]
    problems += [problem for file in files.files for problem in _problems(file, _facts_of(file, facts))]
    if facts is None and files.files:
        problems.append(Problem(code="not_checked", message="verification of outputs is switched off", uri=None))
    return Manifest(
        job_id=record.job_id,
        function_name=record.function_name,
        complete=record.outcome == "ok" and not problems and all(entry.exists for entry in entries),
        files=entries,
        problems=tuple(problems),
    )


def _facts_of(file: OutputFile, facts: Mapping[ObjectAddress, ObjectFacts] | None) -> ObjectFacts:
    return (facts or {}).get(file.address, _UNKNOWN) if file.address else _UNKNOWN


def _entry(file: OutputFile, facts: ObjectFacts) -> ManifestFile:
    return ManifestFile(
        uri=file.address.uri if file.address else None,
        role=file.role,
        media_type=facts.media_type or media_type_of(file.path),
        media_id=file.media_id,
        named_by=file.named_by,
        exists=facts.exists,
        size_bytes=facts.size_bytes,
        etag=facts.etag,
        crc64=facts.crc64,
        last_modified=facts.last_modified,
    )


def _problems(file: OutputFile, facts: ObjectFacts) -> list[Problem]:
    if file.address is None:
        message = f"no field of the response tells the bucket of {file.path}"
        return [Problem(code="bucket_unknown", message=message, uri=None)]
    if facts.problem is None:
        return []
    return [Problem(code=facts.problem, message=facts.message, uri=file.address.uri)]


def _not_saved(named_by: NamedBy) -> Problem:
    message = (
        f"{named_by} holds ICE's error text in place of a path: nothing was written (is the bucket in another region?)"
    )
    return Problem(code="not_saved", message=message, uri=None)
