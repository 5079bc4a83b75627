"""Cases for tests of rules: a successful job from its response, with files and inputs as if they had been read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from ice_result.contents.model import Content, ContentItem
from ice_result.core.oss_address import ObjectAddress, parse_address
from ice_result.core.types import JobId, JsonObject, JsonValue
from ice_result.jobs.model import Job
from ice_result.processing.process_job import record_of
from ice_result.records.model import Container, ContentKind, Defect, Media, MediaKind, ObjectFacts
from ice_result.results.model import function_named
from ice_result.rules.judge import judge
from ice_result.rules.model import Case, CheckedFile, RuleChoice
from ice_result.rules.registry import RULES

INPUT = "oss://input/source.mp4"
NAMES = {rule.name for rule in RULES}


def media(container: Container = "mp4", **facts: object) -> Media:
    """Make facts of a content."""
    return Media.model_validate({"container": container, **facts})


def facts(
    found: Media | None = None,
    *,
    crc64: str | None = None,
    etag: str | None = None,
    size: int = 1000,
    defect: Defect | None = None,
    silent: bool | None = None,
    kinds: Iterable[MediaKind] | None = None,
    pixel_aspect: float | None = None,
) -> ObjectFacts:
    """Make facts of an object that exists."""
    known = None if kinds is None else frozenset(kinds)
    return ObjectFacts(
        True, size, etag, crc64, media=found, defect=defect, is_silent=silent, kinds=known,
        pixel_aspect=pixel_aspect, is_read=True,
    )  # fmt: skip


def case(
    function: str,
    files: Mapping[str, ObjectFacts],
    *,
    result: JsonValue = None,
    params: JsonValue = None,
    source: ObjectFacts | None = None,
    sources: Mapping[str, ObjectFacts] | None = None,
    contents: Iterable[Content] = (),
    fields: JsonObject | None = None,
) -> Case:
    """Make the case of a job whose input is INPUT. `files` are keys in the bucket `out`, `sources` are addresses."""
    response: JsonObject = {
        "JobId": "job",
        "Status": "Success",
        "FunctionName": function,
        "Input": {"Type": "OSS", "Media": INPUT},
        "Output": {"Type": "OSS", "Media": "oss://out/file"},
        "JobParams": json.dumps(params) if params is not None else "",
        "Result": json.dumps(result) if result is not None else "{}",
        "OutputFiles": [*files],
        **(fields or {}),
    }
    record, _ = record_of(Job.from_response(JobId("job"), response), None)
    role_of = function_named(function).role_of
    checked = [
        CheckedFile(key, f"oss://out/{key}", role_of(PurePosixPath(key).name), known) for key, known in files.items()
    ]
    inputs = {address(uri): known for uri, known in (sources or {}).items()}
    if source is not None:
        inputs[address(INPUT)] = source
    return Case(record, checked, inputs, [*contents])


def address(uri: str) -> ObjectAddress:
    """Parse the address of a test."""
    parsed = parse_address(uri)
    assert parsed is not None
    return parsed


def content(
    key: str,
    kind: ContentKind,
    *times: float | tuple[float, float],
    in_order: bool = True,
    reversed_count: int = 0,
    sha256: str = "",
) -> Content:
    """Make the content of a file in the bucket `out`: beats have one time, cues and choruses two."""
    pairs = [each if isinstance(each, tuple) else (each, None) for each in times]
    return Content(
        job_id=JobId("job"),
        function_name="F",
        number=1,
        uri=f"oss://out/{key}",
        kind=kind,
        size_bytes=1000,
        sha256=sha256,
        encoding="utf-8",
        inferred=False,
        unit="seconds",
        in_order=in_order,
        empty_count=0,
        overlap_count=0,
        reversed_count=reversed_count,
        skipped_count=0,
        items=tuple(ContentItem(start_seconds=start, end_seconds=end) for start, end in pairs),
        other=None,
    )


def findings(rule: str, judged: Case) -> list[str]:
    """Apply one rule, and return what it finds, each as `uri: sentence`, or the sentence alone."""
    judgement = judge(judged, RuleChoice(off=frozenset(NAMES - {rule})))
    found = [(each.uri, each.message) for each in judgement.problems]
    found += [(each.uri, each.message) for each in judgement.notes]
    return [(f"{uri}: " if uri else "") + message.removeprefix(f"{rule}: ") for uri, message in found]
