"""Job and decoded result → Record: nothing is asked, nothing is measured, the same input is the same bytes."""

from __future__ import annotations

from datetime import datetime, timezone

from ice_result.errors import NotJsonError, shorten
from ice_result.jobs.model import Job, MediaReference
from ice_result.jsontext import load
from ice_result.records.files import OutputFiles
from ice_result.records.model import Decode, Outcome, Record, RecordedInput, RecordedOutput, RecordState
from ice_result.records.roles import writes_files
from ice_result.redaction import redact, without_query
from ice_result.results.model import Decoded, DecodeWarning
from ice_result.values import JsonObject, JsonValue

_STATES: dict[str, RecordState] = {"succeeded": "succeeded", "failed": "failed"}


def build_record(job: Job, decoded: Decoded, files: OutputFiles, region: str | None) -> Record:
    """The record of a finished job. `region` is where the job ran, as configured."""
    warnings = [*decoded.warnings, *(_unreadable(name) for name in job.unreadable)]
    created, finished = _time("CreateTime", job.create_time, warnings), _time("FinishTime", job.finish_time, warnings)
    return Record(
        job_id=job.job_id,
        region=region,
        function_name=job.function_name,
        status=job.status,
        state=_STATES.get(job.state, "unknown"),
        outcome=_outcome(job, decoded, files),
        name=_clean(job.name),
        template_id=_clean(job.template_id),
        pipeline_id=_clean(job.pipeline_id),
        priority=_clean(job.priority),
        input=_input(job.input),
        output=_output(job.output),
        job_params=_parsed(job.job_params),
        user_data=_clean(job.user_data),
        create_time=created,
        finish_time=finished,
        duration_seconds=_duration(created, finished),
        decode=Decode(status=decoded.status, warnings=tuple(warnings)),
        result=decoded.result,
        files=len(files.files),
        raw=_raw(job),
    )


def _outcome(job: Job, decoded: Decoded, files: OutputFiles) -> Outcome:
    if job.state == "failed":
        return "job_failed"
    if job.state != "succeeded":
        return "undecodable"
    if files.not_saved:
        return "false_success"
    if not files.files and writes_files(job.function_name):
        return "outputs_missing"
    return "undecodable" if decoded.status == "undecodable" else "ok"


def _input(media: MediaReference) -> RecordedInput:
    bucket, key = _bucket_and_key(media)
    return RecordedInput(type=_clean(media.type), media=_clean(media.media), bucket=bucket, key=key)


def _output(media: MediaReference) -> RecordedOutput:
    bucket, key = _bucket_and_key(media)
    return RecordedOutput(
        type=_clean(media.type),
        biz=_clean(media.biz),
        media=_clean(media.media),
        output_url=without_query(media.output_url) if media.output_url else None,
        bucket=bucket,
        key=key,
    )


def _bucket_and_key(media: MediaReference) -> tuple[str | None, str | None]:
    address = media.address
    return (address.bucket, redact(address.key) or None) if address else (None, None)


def _time(field: str, text: str | None, warnings: list[DecodeWarning]) -> datetime | None:
    """An ICE time stamp as UTC. ICE documents `2022-07-07T07:16:11Z`; other offsets are converted."""
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        return (time if time.tzinfo else time.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        message = f"{field} is not a time as 2022-07-07T07:16:11Z: {shorten(text)[:64]!r}"
        warnings.append(DecodeWarning(path=field, code="unreadable", message=message))
        return None


def _duration(created: datetime | None, finished: datetime | None) -> float | None:
    """Seconds from creation to finish; None when unknown, or negative as in ICE's own sample."""
    if created is None or finished is None or finished < created:
        return None
    return (finished - created).total_seconds()


def _parsed(text: str | None) -> JsonValue:
    """JobParams as JSON where it is JSON, as text where it is not."""
    if not text:
        return None
    try:
        return _cleaned(load(text))
    except NotJsonError:
        return redact(text)


def _unreadable(name: str) -> DecodeWarning:
    return DecodeWarning(path=name, code="unreadable", message=f"{name} is not of the documented type; see raw")


def _raw(job: Job) -> JsonObject:
    """The response with its keys in order, without RequestId (new at every call) and without any signed query."""
    urls = [without_query(url) if "://" in url else redact(url) for url in job.output_urls]
    raw: JsonObject = {key: _cleaned(job.raw[key]) for key in sorted(job.raw) if key != "RequestId"}
    readable = "OutputUrls" in raw and "OutputUrls" not in job.unreadable
    return {**raw, "OutputUrls": [*urls]} if readable and job.raw["OutputUrls"] is not None else raw


def _clean(text: str | None) -> str | None:
    return redact(text) if text is not None else None


def _cleaned(value: JsonValue) -> JsonValue:
    match value:
        case str():
            return redact(value)
        case list():
            return [_cleaned(item) for item in value]
        case dict():
            return {redact(key): _cleaned(value[key]) for key in sorted(value)}
        case _:
            return value
