"""Record, files and what the store says of them → Manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import PurePosixPath
from typing import get_args

from ice_result.core.oss_address import ObjectAddress
from ice_result.records.model import DefectCode, Manifest, ManifestFile, Note, ObjectFacts, Problem, ProblemCode, Record
from ice_result.records.output_files import NotSaved, OutputFile, OutputFiles

_MEDIA_TYPES = {
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".m4a": "audio/mp4",
    ".mov": "video/quicktime",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".srt": "application/x-subrip",
    ".wav": "audio/wav",
    ".webm": "video/webm",
}
_UNKNOWN = ObjectFacts(exists=None)
_CLOCKS_DIFFER = timedelta(minutes=5)
_WRITING_ENDS = timedelta(minutes=60)
_MOST_POSITIONS = 10
_MOST_CODES = 2
_OF_CONTENT: frozenset[str] = frozenset((*get_args(DefectCode), "implausible"))


def build_manifest(
    record: Record,
    files: OutputFiles,
    facts: Mapping[ObjectAddress, ObjectFacts] | None,
    notes: Sequence[Note] = (),
    implausible: Sequence[Problem] = (),
) -> Manifest:
    """Build the manifest of a job. `facts` has the store's answer for each address; None if it was not asked.

    `notes` and `implausible` are findings of other stages: of reading contents, and of applying rules.
    """
    known = facts or {}
    found = [(file, known.get(file.address, _UNKNOWN) if file.address else _UNKNOWN) for file in files.files]
    entries = tuple(_entry(file, its_facts) for file, its_facts in found)
    problems = [_not_saved(entry) for entry in files.not_saved]
    problems += [
        Problem(code=code, message=message, uri=file.uri)
        for file, its_facts in found
        for code, message in _problems(file, its_facts, record)
    ]
    if facts is None and files.files:
        problems.append(Problem(code="not_checked", message="ICE_RESULT_VERIFY_OUTPUTS is off", uri=None))
    problems += implausible
    return Manifest(
        job_id=record.job_id,
        function_name=record.function_name,
        complete=record.outcome == "ok" and not problems and all(entry.exists for entry in entries),
        files=entries,
        problems=tuple(problems),
        notes=tuple(notes),
    )


def content_notes(manifest: Manifest) -> tuple[Note, ...]:
    """Return the notes about contents, without those of rules."""
    return tuple(note for note in manifest.notes if note.code != "suspicious")


def with_content_notes(manifest: Manifest, notes: Iterable[Note]) -> Manifest:
    """Return the manifest with these notes about contents in place of its own; those of rules stay."""
    of_rules = (note for note in manifest.notes if note.code == "suspicious")
    return manifest.model_copy(update={"notes": (*notes, *of_rules)})


def media_type_of(path: str) -> str | None:
    """Return the media type by the file's extension; None when it has none that ICE is known to write."""
    return _MEDIA_TYPES.get(PurePosixPath(path).suffix.lower())


def _entry(file: OutputFile, facts: ObjectFacts) -> ManifestFile:
    return ManifestFile(
        uri=file.uri,
        role=file.role,
        media_type=facts.media_type or media_type_of(file.path),
        media_id=file.media_id,
        named_by=file.named_by,
        exists=facts.exists,
        size_bytes=facts.size_bytes,
        etag=facts.etag,
        crc64=facts.crc64,
        last_modified=facts.last_modified,
        storage_class=facts.storage_class,
        media=facts.media,
    )


def _problems(file: OutputFile, facts: ObjectFacts, record: Record) -> Iterator[tuple[ProblemCode, str]]:
    if file.unmatched_url:
        yield "unmatched_url", f"OutputUrls names {file.path}, which is not in OutputFiles"
    if file.uri is None:
        yield "bucket_unknown", f"no field of the response names the bucket of {file.path}"
    elif facts.problem is not None:
        yield facts.problem, facts.message
    else:
        yield from _doubts(file, facts, record)


def _doubts(file: OutputFile, facts: ObjectFacts, record: Record) -> Iterator[tuple[ProblemCode, str]]:
    """List the doubts that an object that is there is the one that the job wrote.

    CreateTime − 5 min         CreateTime … FinishTime         FinishTime + 60 min
    stale │                the job's own                               │ modified_later
    """
    if facts.size_bytes == 0 and file.role != "caption":  # a clip in which nobody speaks has an empty SRT [inferred]
        yield "empty", "the object has no bytes"
    elif facts.defect is not None:
        yield facts.defect
    modified, created, finished = facts.last_modified, record.create_time, record.finish_time
    if modified is None or (created and finished and finished < created):  # as in ICE's own sample
        return
    if created and created - modified > _CLOCKS_DIFFER:
        yield "stale", f"last written {_stamp(modified)}, before the job was created: the file is not from this job"
    if finished and modified - finished > _WRITING_ENDS:
        yield (
            "modified_later",
            f"last written {_stamp(modified)}, long after the job finished: the file was changed later",
        )


def _stamp(time: datetime) -> str:
    return f"{time.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def _not_saved(entry: NotSaved) -> Problem:
    others = len(entry.positions) - _MOST_POSITIONS
    places = ", ".join(f"{entry.field}[{position}]" for position in entry.positions[:_MOST_POSITIONS])
    places += f" and {others} more" if others > 0 else ""
    message = (
        f"{places}: ICE's error text is in place of a path. {len(entry.positions)} of "
        f"{entry.named} {'file' if entry.named == 1 else 'files'} "
        f"{'was' if len(entry.positions) == 1 else 'were'} not written (is the bucket in another region?)"
    )
    return Problem(code="not_saved", message=message, uri=None)


def shortfall(record: Record, manifest: Manifest) -> str | None:
    """Say in a few words why a job is not complete: `2 of 2 files not checked: forbidden`; None when it is.

    Of a file with several problems, those of its content come first, and two are named: `truncated and stale`.
    """
    if record.outcome != "ok":
        return record.outcome
    if manifest.complete:
        return None
    by_file: dict[str | None, dict[str, None]] = {}
    for problem in sorted(manifest.problems, key=lambda problem: problem.code not in _OF_CONTENT):
        by_file.setdefault(problem.uri, {})[problem.code] = None
    codes = {uri: " and ".join([*of_file][:_MOST_CODES]) for uri, of_file in by_file.items()}
    wrong = Counter(
        ("" if file.exists is not None else " not checked", codes.get(file.uri) or codes.get(None, "not_checked"))
        for file in manifest.files
        if not file.exists or file.uri in codes
    )
    total = len(manifest.files)
    found = [
        f"{count} of {total} file{'' if total == 1 else 's'}{how}{f': {code}' if code != 'not_checked' else ''}"
        for (how, code), count in wrong.items()
    ]
    return f"not complete: {', '.join(found) or ', '.join(codes.values())}"
