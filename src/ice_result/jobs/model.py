"""The job of a response: each field as ICE documents it, or None. Secrets are removed here, once for all stages."""

from __future__ import annotations

import re
from datetime import datetime
from functools import reduce
from typing import Literal, NamedTuple, Protocol, TypeAlias

from typing_extensions import override

from ice_result.core.json_text import dump, load
from ice_result.core.oss_address import ObjectAddress, parse_address
from ice_result.core.redaction import REDACTED, clean, json_may_hold_a_secret, redact, without_query_values
from ice_result.core.types import JobId, JsonObject, JsonValue, utc_time
from ice_result.errors import InvalidResponseError, NotJsonError
from ice_result.jobs.path_signatures import path_signatures

JobState: TypeAlias = Literal["running", "succeeded", "failed", "unknown"]

# Queuing and Analysing are documented; Init and Processing come from a skill that Alibaba publishes [measured].
_STATES: dict[str, JobState] = {
    "Init": "running",
    "Queuing": "running",
    "Analysing": "running",
    "Analyzing": "running",
    "Processing": "running",
    "Success": "succeeded",
    "Fail": "failed",
}
_FIRST_YEAR = 1970
_DIGITS = re.compile("[0-9]{1,18}")
_STORED_INTEGERS = range(-(2**63), 2**63)  # every store keeps 64 bits


class MediaReference(NamedTuple):
    """Input or Output of a job: `type` is OSS or Media, `media` an address or a media id."""

    type: str | None
    media: str | None
    biz: str | None
    output_url: str | None

    @property
    def address(self) -> ObjectAddress | None:
        """Address in OSS, from `media` or else `output_url`; None for a bare media id."""
        return next((found for text in (self.media, self.output_url) if text and (found := parse_address(text))), None)


class Job(NamedTuple):
    """The response of QueryIProductionJob, field by field; `raw` is all of it. Neither has secrets.

    Texts are ICE's own. A field that is missing, blank, or of another type than documented is None (or empty);
    `unreadable` names the fields of another type. Only `output_files` and `output_urls` are as they were sent, for the
    addresses in them: they are not shown.
    """

    job_id: JobId
    status: str
    function_name: str
    name: str | None
    input: MediaReference
    output: MediaReference
    template_id: str | None
    job_params: str | None
    pipeline_id: str | None
    priority: int | None
    user_data: str | None
    result: JsonValue
    create_time: str | None
    finish_time: str | None
    output_files: tuple[str, ...]
    output_media_ids: tuple[str, ...]
    output_urls: tuple[str, ...]
    request_id: str | None
    unreadable: tuple[str, ...]
    raw: JsonObject

    @override
    def __repr__(self) -> str:
        return f"Job({self.raw!r})"

    @property
    def output_bucket(self) -> str | None:
        """Bucket of relative output paths: that of Output, or the only one that OutputUrls name."""
        if address := self.output.address:
            return address.bucket
        buckets = {address.bucket for url in self.output_urls if (address := parse_address(url))}
        return buckets.pop() if len(buckets) == 1 else None

    @property
    def state(self) -> JobState:
        """Meaning of `status`. A token that ICE does not document is unknown: never success, never failure."""
        return _STATES.get(self.status, "unknown")

    @property
    def is_finished(self) -> bool:
        """True when ICE is done with the job. An undocumented `status` is an end only with a FinishTime."""
        if self.state == "unknown":
            return self.finish_time is not None and read_time(self.finish_time) is not None
        return self.state in {"succeeded", "failed"}

    @classmethod
    def from_response(cls, asked: JobId, response: JsonValue) -> Job:
        """Read a response body, and remove its secrets. Parts without secrets are shared with `response`.

        Raises InvalidResponseError when it is not a job, or another job than `asked`.
        """
        if not isinstance(response, dict):
            raise InvalidResponseError(f"job {asked}: the response is not a job: not a JSON object")
        needed = {name: response.get(name) for name in ("JobId", "Status", "FunctionName")}
        missing = [name for name, value in needed.items() if not isinstance(value, str) or not value.strip()]
        if missing:
            raise InvalidResponseError(f"job {asked}: the response is not a job: no {', '.join(missing)} in it")
        answered = str(response["JobId"]).strip()
        if answered != asked:
            raise InvalidResponseError(f"job {asked}: the response is of another job, {redact(answered)[:128]!r}")
        signatures = tuple(path_signatures(response))
        # Addresses are read from the names of files as they were sent, but for the signatures in their paths.
        names = {name: _without(response.get(name), signatures) for name in ("OutputFiles", "OutputUrls")}
        return _Reader(_cleaned(response, signatures), names).job(asked)


def read_time(text: str) -> datetime | None:
    """Read an ICE time stamp as UTC. ICE documents `2022-07-07T07:16:11Z`; other offsets are converted.

    None for a text that is not a time, and for times before 1970, which programs write for "none".
    """
    time = utc_time(text)
    return time if time and time.year >= _FIRST_YEAR else None


class JobSource(Protocol):
    """Source of jobs: ICE, or saved responses."""

    def load(self) -> None:
        """Make ready all that needs no call: imports, for which the first call would wait."""
        ...

    def get(self, job_id: JobId) -> Job:
        """Return the job once it is finished, or unfinished when the time to wait is over.

        Raises NotFoundError, or another error of errors.py.
        """
        ...


def _cleaned(response: JsonObject, signatures: tuple[str, ...]) -> JsonObject:
    """Remove secrets. ICE signs the output URLs anew for every query: they lose every value of their queries."""
    response, output = {**response}, response.get("Output")
    if isinstance(output, dict) and "OutputUrl" in output:
        response["Output"] = {**output, "OutputUrl": _unsigned(output["OutputUrl"])}
    if "OutputUrls" in response:
        response["OutputUrls"] = _unsigned(response["OutputUrls"])
    # Nearly every response has signed OutputUrls, and no secret beside them: the rest is scanned without them.
    rest = {name: value for name, value in response.items() if name != "OutputUrls"}
    if not signatures and not json_may_hold_a_secret(rest):
        return {name: clean(value) if name == "OutputUrls" else value for name, value in response.items()}
    cleaned = clean(response, signatures)
    return cleaned if isinstance(cleaned, dict) else {}


def _without(value: JsonValue, signatures: tuple[str, ...]) -> JsonValue:
    if not signatures:
        return value
    if isinstance(value, list):
        return [_without(item, signatures) for item in value]
    if isinstance(value, str):
        return reduce(lambda text, signature: text.replace(signature, REDACTED), signatures, value)
    return value


def _unsigned(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return [_unsigned(item) for item in value]
    if not isinstance(value, str):
        return value
    found = _list_in(value) if value.lstrip()[:1] == "[" else None
    if not isinstance(found, list):
        return without_query_values(value)
    unsigned = _unsigned(found)
    return value if unsigned == found else dump(unsigned)


class _Reader:
    """Reader of the fields of a cleaned response, which remembers the unreadable ones.

    `names` are the fields that name files, before secrets were removed.
    """

    def __init__(self, response: JsonObject, names: JsonObject) -> None:
        self._response = response
        self._names = names
        self._unreadable: list[str] = []

    def job(self, job_id: JobId) -> Job:
        self._check_object("ScheduleConfig")
        return Job(
            job_id=job_id,
            status=str(self._response["Status"]).strip(),
            function_name=str(self._response["FunctionName"]).strip(),
            name=self._text("Name"),
            input=self._media("Input"),
            output=self._media("Output"),
            template_id=self._text("TemplateId"),
            job_params=self._text("JobParams"),
            pipeline_id=self._text("ScheduleConfig.PipelineId"),
            priority=self._integer("ScheduleConfig.Priority"),
            user_data=self._text("UserData"),
            result=self._response.get("Result"),
            create_time=self._text("CreateTime"),
            finish_time=self._text("FinishTime"),
            output_files=self._texts("OutputFiles", self._names),
            output_media_ids=self._texts("OutputMediaIds", self._response),
            output_urls=self._texts("OutputUrls", self._names),
            request_id=self._text("RequestId"),
            unreadable=tuple(self._unreadable),
            raw=self._response,
        )

    def _media(self, name: str) -> MediaReference:
        self._check_object(name)
        return MediaReference(
            type=self._text(f"{name}.Type"),
            media=self._text(f"{name}.Media"),
            biz=self._text(f"{name}.Biz"),
            output_url=self._text(f"{name}.OutputUrl"),
        )

    def _check_object(self, name: str) -> None:
        value = self._response.get(name)
        if value is not None and not isinstance(value, dict):
            self._unreadable.append(name)

    def _value(self, name: str) -> JsonValue:
        """Return the value of a field, or of `Object.Field`."""
        parent, _, field = name.rpartition(".")
        found = self._response.get(parent) if parent else self._response
        return found.get(field) if isinstance(found, dict) else None

    def _text(self, name: str) -> str | None:
        value = self._value(name)
        if isinstance(value, str):
            return value if value.strip() else None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
        if value is not None:
            self._unreadable.append(name)
        return None

    def _integer(self, name: str) -> int | None:
        value = self._value(name)
        if isinstance(value, int) and not isinstance(value, bool) and value in _STORED_INTEGERS:
            return value
        if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
            return int(value)
        if value is not None and not (isinstance(value, str) and not value.strip()):
            self._unreadable.append(name)
        return None

    def _texts(self, name: str, response: JsonObject) -> tuple[str, ...]:
        value = _list_in(response.get(name))
        if value is None:
            return ()
        texts = tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
        if not isinstance(value, list) or len(texts) < len(value):
            self._unreadable.append(name)
        return texts


def _list_in(value: JsonValue) -> JsonValue:
    """Read a text that stands for a list: as JSON, or as a list of one name. A blank text is None."""
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    try:
        found = load(value)
    except NotJsonError:
        return value if value.lstrip()[0] in "[{" else [value]
    return found if isinstance(found, list) else [found] if isinstance(found, str) else value
