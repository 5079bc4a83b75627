"""The Function Compute side: context in, reply out, errors as the platform reads them."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Mapping
from typing import Protocol, TypeAlias

from ice_result.assembly import assemble
from ice_result.calls import Deadline
from ice_result.credentials import Credentials, Keys
from ice_result.errors import ParkingError
from ice_result.pipeline import Pipeline, Report
from ice_result.settings import Settings
from ice_result.values import JsonObject

Reply: TypeAlias = JsonObject

_log = logging.getLogger(__name__)

_LONGEST_RESERVE_SECONDS = 10.0
_RESERVED_SHARE = 0.2


class FunctionFacts(Protocol):
    """`context.function`."""

    @property
    def timeout(self) -> int:
        """Seconds after which the platform kills the invocation."""
        ...


class Context(Protocol):
    """What we read of the platform's context; on Python 3.12 it carries no credentials."""

    @property
    def request_id(self) -> str:
        """The platform's id of this invocation."""
        ...

    @property
    def region(self) -> str:
        """The region the function runs in."""
        ...

    @property
    def function(self) -> FunctionFacts:
        """The function's own facts."""
        ...


class Function:
    """One instance of the function: assembled once, then used for one event after the other."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._credentials = Credentials()
        self._lock = threading.Lock()
        self._pipeline: Pipeline | None = None

    def prepare(self, context: Context) -> Pipeline:
        """Read the settings and assemble the pipeline, once. Raises SettingsError with every problem."""
        self._credentials.use(_keys_of(context))
        with self._lock:
            if self._pipeline is None:
                settings = Settings.from_environment({"FC_REGION": context.region, **self._environment})
                logging.getLogger("ice_result").setLevel(settings.log_level)
                self._pipeline = assemble(settings, self._credentials)
            return self._pipeline

    def handle(self, event: bytes, context: Context) -> Reply:
        """Process one invocation; `{"recorded", "ignored", "parked", "jobs"}`, for an HTTP trigger inside a response.

        Raises ParkingError when an event could be neither finished nor parked: the platform delivers it again.
        """
        pipeline = self.prepare(context)
        end = Deadline.after(_working_seconds(context.function.timeout))
        report = pipeline.process(event, lambda: end)
        lost = [job for job in report.jobs if job.outcome == "failed"]
        for job in lost:
            _log.error("not finished and not parked: job %s: %s", job.job_id, job.reason)
        if report.via_http:
            return _http_reply(500 if lost else 200, _summary(report))
        if lost:
            raise ParkingError(f"{len(lost)} of {len(report.jobs)} events must be delivered again: {lost[0].reason}")
        return _summary(report)


def _working_seconds(timeout: float) -> float:
    """The time for the work itself: what is left of the timeout is for parking what did not get done."""
    return timeout - min(_LONGEST_RESERVE_SECONDS, timeout * _RESERVED_SHARE)


def _summary(report: Report) -> JsonObject:
    return {
        "recorded": report.count("recorded"),
        "ignored": report.count("ignored"),
        "parked": report.count("parked"),
        "jobs": [job.model_dump(mode="json") for job in report.jobs],
    }


def _http_reply(status: int, body: JsonObject) -> JsonObject:
    """The full form of an HTTP trigger's answer; a shorter one is taken for the body itself."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "isBase64Encoded": False,
        "body": json.dumps(body, ensure_ascii=False),
    }


def _keys_of(context: Context) -> Keys | None:
    """The keys of the function's role for this invocation, where the runtime hands them over."""
    credentials = getattr(context, "credentials", None)
    key_id, secret = getattr(credentials, "access_key_id", ""), getattr(credentials, "access_key_secret", "")
    return Keys(key_id, secret, getattr(credentials, "security_token", "") or "") if key_id and secret else None
