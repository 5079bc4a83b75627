"""The function as Function Compute calls it: bytes and a context in, a reply or an error out."""

from __future__ import annotations

import base64
import json
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias, get_args

from ice_result.app import assemble
from ice_result.core.credentials import Credentials, Keys
from ice_result.core.deadline import Clock, Deadline
from ice_result.core.types import JsonObject, JsonValue
from ice_result.errors import ParkingError
from ice_result.http_callback import LIMIT_SECONDS, CallbackResponder, response
from ice_result.processing import event_log
from ice_result.processing.batch import BatchReport, JobOutcome, JobOutcomeName, Pipeline, RunContext
from ice_result.processing.event_log import StageTimer
from ice_result.settings import Settings

Reply: TypeAlias = JsonObject

_LONGEST_RESERVE_SECONDS, _RESERVED_SHARE = 10.0, 0.2  # of the timeout, for parking unfinished events
_LONGEST_ANSWER_SECONDS, _ANSWERING_SHARE = 1.0, 0.04  # of the timeout, for the reply
_SHARE_FOR_READING = 0.3  # of the time; the part of a payload that is not read by then is parked unread
_MOST_LISTED = 1000
_LISTING_ORDER: tuple[JobOutcomeName, ...] = ("failed", "parked", "recorded", "ignored")


class FunctionFacts(Protocol):
    """Part `function` of the platform's context."""

    @property
    def timeout(self) -> int:
        """Seconds after which the platform ends the invocation."""
        ...


class Context(Protocol):
    """Part of the platform's context that is read here. On Python 3.12 it carries no credentials."""

    @property
    def request_id(self) -> str:
        """Id of this invocation."""
        ...

    @property
    def region(self) -> str:
        """Region of the function."""
        ...

    @property
    def function(self) -> FunctionFacts:
        """Configuration of the function."""
        ...


class Function:
    """An instance of the function. It makes its pipeline once, and handles one invocation after the other."""

    def __init__(self, environment: Mapping[str, str] | None = None, clock: Clock | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._clock = clock or Clock()
        self._credentials = Credentials()
        self._lock = threading.Lock()
        self._pipeline: Pipeline | None = None
        self._http = CallbackResponder()

    def prepare(self, context: Context) -> Pipeline:
        """Return the pipeline; the first call makes it. Raises SettingsError with every problem of the settings."""
        self._credentials.use(_keys_of(context))
        with self._lock:
            if self._pipeline is None:
                settings = Settings.from_environment({"FC_REGION": context.region, **self._environment})
                logging.getLogger("ice_result").setLevel(settings.log_level)
                self._pipeline = assemble(settings.of_function_in(context.region), self._credentials, self._clock)
            return self._pipeline

    def initialize(self, context: Context) -> None:
        """Begin to load the SDKs and connections: the first event may have to be answered within two seconds."""
        self.prepare(context).load()

    def close(self) -> None:
        """Wait for the events in work, and close the pipeline. A later event makes a new one."""
        with self._lock:
            pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.close()

    def handle(self, event: bytes | JsonValue, context: Context) -> Reply:
        """Process one invocation. Returns `{"recorded", "ignored", "parked", "jobs", "omitted"}`, for HTTP a response.

        The platform passes bytes; tools that run a function locally pass the text or the JSON value of the event.
        Raises ParkingError when an event could be neither finished nor parked: the platform delivers it again. For a
        timer, raises also the error of a store that cannot be listed.
        """
        clock, timeout = self._clock, context.function.timeout
        timer = StageTimer(clock.now)
        end = Deadline.after(timeout - min(_LONGEST_RESERVE_SECONDS, timeout * _RESERVED_SHARE), clock)
        parked_by = Deadline.after(timeout - min(_LONGEST_ANSWER_SECONDS, timeout * _ANSWERING_SHARE), clock)
        http_limit = end.within(LIMIT_SECONDS)
        pipeline = self.prepare(context)
        began = clock.now()
        triggered = pipeline.parse(_payload(event), end.part(_SHARE_FOR_READING))
        seconds_to_park = clock.now() - began  # parking many events takes about as long as reading them
        if triggered.via_http:
            status, report = self._http.answer(pipeline, triggered, http_limit, context.request_id)
            _log(report, context, timer, status, triggered.refused)
            return response(status, {"refused": triggered.refused} if triggered.refused else _summary(report))
        work_end = Deadline(end.at - seconds_to_park, clock)
        run = RunContext(lambda: work_end, lambda: parked_by, context.request_id)
        report = pipeline.report(triggered.events, run)
        try:
            if triggered.on_timer:
                from ice_result.maintenance import run_maintenance  # noqa: PLC0415  needed for a timer only

                report = BatchReport(jobs=(*report.jobs, *run_maintenance(pipeline, run)))
        finally:
            _log(report, context, timer)
        if lost := [job for job in report.jobs if job.outcome == "failed"]:
            raise ParkingError(f"{len(lost)} of {len(report.jobs)} events must be delivered again: {lost[0].reason}")
        return _summary(report)


def _payload(event: bytes | bytearray | memoryview | JsonValue) -> bytes | str:
    if isinstance(event, (bytes, str)):
        return event
    return bytes(event) if isinstance(event, (bytearray, memoryview)) else json.dumps(event, default=_as_text)


def _as_text(value: object) -> str:
    """Convert a value that JSON does not have, in an event that a tool made: the bytes of a body, or a time."""
    if not isinstance(value, (bytes, bytearray, memoryview)):
        return str(value)
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


def _summary(report: BatchReport) -> JsonObject:
    listed = _listed(report.jobs)
    return {
        "recorded": report.count("recorded"),
        "ignored": report.count("ignored"),
        "parked": report.count("parked"),
        "jobs": [job._asdict() for job in listed],
        "omitted": len(report.jobs) - len(listed),
    }


def _listed(jobs: Sequence[JobOutcome]) -> Sequence[JobOutcome]:
    """Select the jobs that the reply lists, in the order of the payload. Failed and parked jobs have precedence."""
    if len(jobs) <= _MOST_LISTED:
        return jobs
    by_need = sorted(range(len(jobs)), key=lambda index: _LISTING_ORDER.index(jobs[index].outcome))
    return [jobs[index] for index in sorted(by_need[:_MOST_LISTED])]


def _log(
    report: BatchReport, context: Context, timer: StageTimer, status: int | None = None, refused: str | None = None
) -> None:
    counts: JsonObject = {name: report.count(name) for name in get_args(JobOutcomeName)}
    facts: JsonObject = {event_log.INVOCATION_ID: context.request_id, event_log.HTTP_STATUS: status, "refused": refused}
    level = logging.ERROR if counts["failed"] else logging.WARNING if refused else logging.INFO
    event_log.write_invocation({**_platform_facts(context), **counts}, facts, timer, level=level)


def _platform_facts(context: Context) -> JsonObject:
    """Return the facts of the function, as far as the platform gives them; runtimes differ in where the version is."""
    function = context.function
    version = getattr(function, "version_id", None) or getattr(getattr(context, "service", None), "version_id", None)
    facts: JsonObject = {
        "cloud.provider": "alibaba_cloud",
        "cloud.platform": "alibaba_cloud_fc",
        "cloud.region": context.region,
        "cloud.account.id": getattr(context, "account_id", None),
        "faas.name": getattr(function, "name", None),
        "faas.version": version,
    }
    return {name: value for name, value in facts.items() if value}


def _keys_of(context: Context) -> Keys | None:
    """Return the keys of the function's role in this invocation; None when the runtime does not pass them."""
    credentials = getattr(context, "credentials", None)
    key_id, secret = getattr(credentials, "access_key_id", ""), getattr(credentials, "access_key_secret", "")
    return Keys(key_id, secret, getattr(credentials, "security_token", "") or "") if key_id and secret else None
