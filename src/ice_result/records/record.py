"""Job and decoded result → Record. It asks nothing and measures nothing: the same input is the same bytes."""

from __future__ import annotations

from datetime import datetime

from ice_result.core.json_text import load
from ice_result.core.redaction import without_query
from ice_result.core.types import JsonValue
from ice_result.errors import NotJsonError, shorten
from ice_result.jobs.model import Job, MediaReference, read_time
from ice_result.records.model import Decode, Outcome, Record, RecordedInput, RecordedOutput, RecordState
from ice_result.records.output_files import OutputFiles
from ice_result.results.model import Decoded, DecodeWarning, function_named

_STATES: dict[str, RecordState] = {"succeeded": "succeeded", "failed": "failed"}


def build_record(job: Job, decoded: Decoded, files: OutputFiles, region: str | None) -> Record:
    """Build the record of a finished job. `region` is where the job ran, as configured."""
    warnings = [*decoded.warnings, *(_unreadable(name) for name in job.unreadable)]
    created, finished = _time("CreateTime", job.create_time, warnings), _time("FinishTime", job.finish_time, warnings)
    return Record(
        job_id=job.job_id,
        region=region,
        function_name=job.function_name,
        status=job.status,
        state=_STATES.get(job.state, "unknown"),
        outcome=_outcome(job, decoded, files),
        name=job.name,
        template_id=job.template_id,
        pipeline_id=job.pipeline_id,
        priority=job.priority,
        input=_input(job.input),
        output=_output(job.output),
        job_params=_parsed(job.job_params),
        user_data=_user_data(job.user_data),
        create_time=created,
        finish_time=finished,
        duration_seconds=_duration(created, finished),
        decode=Decode(status=decoded.status, warnings=tuple(warnings)),
        result=decoded.result,
        file_count=len(files.files),
        raw={key: _in_order(job.raw[key]) for key in sorted(job.raw) if key != "RequestId"},
    )


def _outcome(job: Job, decoded: Decoded, files: OutputFiles) -> Outcome:
    if job.state == "failed":
        return "job_failed"
    if job.state != "succeeded":
        return "undecodable"
    if files.not_saved:
        return "false_success"
    if not files.files and function_named(job.function_name).writes_files:
        return "outputs_missing"
    return "undecodable" if decoded.status == "undecodable" else "ok"


def _input(media: MediaReference) -> RecordedInput:
    bucket, key = _bucket_and_key(media)
    return RecordedInput(type=media.type, media=media.media, bucket=bucket, key=key)


def _output(media: MediaReference) -> RecordedOutput:
    bucket, key = _bucket_and_key(media)
    return RecordedOutput(
        type=media.type,
        biz=media.biz,
        media=media.media,
        output_url=without_query(media.output_url) if media.output_url else None,
        bucket=bucket,
        key=key,
    )


def _bucket_and_key(media: MediaReference) -> tuple[str | None, str | None]:
    address = media.address
    return (address.bucket, address.key or None) if address else (None, None)


def _time(field: str, text: str | None, warnings: list[DecodeWarning]) -> datetime | None:
    """Read an ICE time stamp as UTC; a text that is not a time leaves a warning."""
    time = read_time(text) if text else None
    if text and time is None:
        message = f"{field} is not a time as 2022-07-07T07:16:11Z: {shorten(text)[:64]!r}"
        warnings.append(DecodeWarning(path=field, code="unreadable", message=message))
    return time


def _duration(created: datetime | None, finished: datetime | None) -> float | None:
    """Return the seconds from creation to finish; None when unknown, or negative as in ICE's own sample."""
    if created is None or finished is None or finished < created:
        return None
    return (finished - created).total_seconds()


def _parsed(text: str | None) -> JsonValue:
    """Read a text as JSON where it is JSON; any other text stays as it is."""
    if not text:
        return None
    try:
        return _in_order(load(text))
    except NotJsonError:
        return text


def _user_data(text: str | None) -> JsonValue:
    """Return the object or array that the text holds; any other text, a number too, as it is: others join on it."""
    value = _parsed(text)
    return value if isinstance(value, (dict, list)) else text


def _unreadable(name: str) -> DecodeWarning:
    return DecodeWarning(path=name, code="unreadable", message=f"{name} is not of the documented type; see raw")


def _in_order(value: JsonValue) -> JsonValue:
    """Sort the keys of all objects in `value`, so that the same response is always the same bytes."""
    match value:
        case list():
            return [_in_order(item) for item in value]
        case dict():
            return {key: _in_order(value[key]) for key in sorted(value)}
        case _:
            return value
