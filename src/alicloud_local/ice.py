"""A stand-in for ICE (Intelligent Cloud Editing, API version 2020-11-09): the jobs it knows, over its real protocol."""

from __future__ import annotations

import json
import operator
import threading
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

from typing_extensions import override

from alicloud_local.acs3 import Acs3Verifier
from alicloud_local.faults import RefusalKind
from alicloud_local.service import Conditions, Keyring, LocalService, Refusal, RefusedError
from alicloud_local.wire import Reply, Request
from ice_result.core import json_text
from ice_result.core.types import JsonObject, JsonValue
from ice_result.errors import NotJsonError

API_VERSION = "2020-11-09"
_CALLBACK_FIELDS = ("CallbackType", "CallbackQueueName", "CallbackURL", "EventTypeList", "AuthSwitch", "AuthKey")
_QUEUE_PREFIX = "ice-callback-"
_LONGEST_URL = 256


class IceServer(LocalService):
    """ICE with the jobs of a folder, `<job id>.json` each (read anew for every call), and those of `put`.

    Every request must bear a valid ACS3-HMAC-SHA256 signature. Every answer gets a RequestId of its own.
    """

    name: ClassVar[str] = "ICE"
    fault_refusals: ClassVar[Mapping[RefusalKind, Refusal]] = {
        "throttle": Refusal(400, "Throttling.User", "Request was denied due to user flow control."),
        "error_500": Refusal(500, "InternalError", "The request processing has failed due to some unknown error."),
        "forbidden": Refusal(403, "Forbidden.RAM", "User not authorized to operate on the specified resource."),
        "expired_keys": Refusal(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired."),
        "clock_skew": Refusal(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."),
    }

    def __init__(
        self, keyring: Keyring, conditions: Conditions, *, region: str, jobs: Path | None = None, port: int = 0
    ) -> None:
        super().__init__(keyring, conditions, is_fault_target=operator.eq, port=port)
        self._verifier = Acs3Verifier(keyring, conditions.clock)
        self._host_id = f"ice.{region}.aliyuncs.com"
        self._folder = jobs
        self._lock = threading.Lock()
        self._responses: dict[str, list[str]] = {}
        self.callback: dict[str, str] = {}
        """The event callback, as GetEventCallback answers and SetEventCallback overwrites it."""

    def put(self, job_id: str, *responses: Mapping[str, JsonValue]) -> None:
        """Answer for `job_id` with these responses in turn, one a call, and with the last for ever."""
        if not responses:
            raise ValueError(f"job {job_id}: at least one response is needed")
        with self._lock:
            self._responses[job_id] = [json_text.dump(dict(response)) for response in responses]

    def forget(self, job_id: str) -> None:
        """Know a job no longer that was `put`, as ICE does after some time [inferred]."""
        with self._lock:
            self._responses.pop(job_id, None)

    def jobs(self) -> dict[str, JsonObject]:
        """The final response of every job known now, by job id. Raises NotJsonError for a file that holds none."""
        found: dict[str, JsonObject] = {}
        for path in sorted(self._folder.glob("*.json")) if self._folder else ():
            found[path.stem] = _load(path.read_text("utf-8"))
        with self._lock:
            found.update({job_id: _load(texts[-1]) for job_id, texts in self._responses.items()})
        return found

    @override
    def locate(self, request: Request) -> tuple[str, str]:
        return request.headers.get("x-acs-action", ""), request.parameters.get("JobId", "")

    @override
    def answer(self, request: Request) -> Reply:
        self._verifier.verify(request)
        if request.headers.get("x-acs-version") != API_VERSION:  # that this is checked before the action is inferred
            raise RefusedError(400, "InvalidVersion", "Specified parameter Version is not valid.")
        action = _ACTIONS.get(request.headers.get("x-acs-action", ""))
        if action is None:  # some services of the gateway say InvalidApi.NotFound instead
            raise RefusedError(
                404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method."
            )
        return self._json(200, {**action(self, request.parameters), "RequestId": _request_id()})

    @override
    def refuse(self, refusal: RefusedError, request: Request) -> Reply:
        body: JsonObject = {
            "RequestId": _request_id(),
            "HostId": self._host_id,
            "Code": refusal.code,
            "Message": refusal.message,
            "Recommend": f"https://api.aliyun.com/troubleshoot?q={refusal.code}&product=ICE",
        }
        return self._json(refusal.status, body)

    def query_iproduction_job(self, parameters: Mapping[str, str]) -> JsonObject:
        """QueryIProductionJob. That an unknown job is status 400 is inferred; its code is seen in the field."""
        job_id = parameters.get("JobId", "")
        if not job_id:
            raise RefusedError(400, "MissingJobId", "JobId is mandatory for this action.")
        text = self._next_response(job_id)
        if text is None:
            raise RefusedError(400, "InvalidParameter.JobNotFound", "The specified job does not exist.")
        try:
            return _load(text)
        except NotJsonError as error:
            raise RefusedError(500, "InternalError", f"The saved response of this job: {error}") from error

    def get_event_callback(self, _parameters: Mapping[str, str]) -> JsonObject:
        """GetEventCallback. What ICE answers when nothing was ever set is inferred: no field at all."""
        return {**self.callback}

    def set_event_callback(self, parameters: Mapping[str, str]) -> JsonObject:
        """SetEventCallback: the whole setting is overwritten. The codes of refusals are inferred."""
        setting = {name: parameters[name] for name in _CALLBACK_FIELDS if parameters.get(name)}
        target = {"HTTP": "CallbackURL", "MNS": "CallbackQueueName"}.get(setting.get("CallbackType", ""))
        if target is None or target not in setting:
            raise RefusedError(400, "InvalidParameter", "CallbackType and its target are mandatory for this action.")
        if not setting.get("CallbackQueueName", _QUEUE_PREFIX).startswith(_QUEUE_PREFIX):
            raise RefusedError(400, "InvalidParameter", f"The name of the queue must start with {_QUEUE_PREFIX}.")
        if len(setting.get("CallbackURL", "").encode()) > _LONGEST_URL:
            raise RefusedError(400, "InvalidParameter", f"CallbackURL exceeds {_LONGEST_URL} bytes.")
        self.callback = setting
        return {"Success": True}

    def _next_response(self, job_id: str) -> str | None:
        with self._lock:
            texts = self._responses.get(job_id)
            if texts:
                return texts.pop(0) if len(texts) > 1 else texts[0]
        if self._folder is None or Path(job_id).name != job_id:  # an id must not lead out of the folder
            return None
        try:
            return (self._folder / f"{job_id}.json").read_text("utf-8")
        except (OSError, ValueError):  # no such file, or a name no file can have
            return None

    @staticmethod
    def _json(status: int, body: JsonObject) -> Reply:
        headers = {"Content-Type": "application/json;charset=utf-8", "x-acs-request-id": str(body["RequestId"])}
        return Reply(status, headers, json.dumps(body, ensure_ascii=False).encode())


_ACTIONS: dict[str, Callable[[IceServer, Mapping[str, str]], JsonObject]] = {
    "QueryIProductionJob": IceServer.query_iproduction_job,
    "GetEventCallback": IceServer.get_event_callback,
    "SetEventCallback": IceServer.set_event_callback,
}


def _request_id() -> str:
    return str(uuid.uuid4()).upper()


def _load(text: str) -> JsonObject:
    value = json_text.load(text)
    if not isinstance(value, dict):
        raise NotJsonError("not a JSON object")
    return value
