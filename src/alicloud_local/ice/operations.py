"""ICE's operations: QueryIProductionJob, GetEventCallback, SetEventCallback."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from alicloud_local.ice.store import JobStore
from alicloud_local.rpc.messages import JsonObject
from alicloud_local.service import RefusedError

_CALLBACK_FIELDS = ("CallbackType", "CallbackQueueName", "CallbackURL", "EventTypeList", "AuthSwitch", "AuthKey")
_QUEUE_PREFIX = "ice-callback-"
_LONGEST_URL = 256


def query_iproduction_job(store: JobStore, parameters: Mapping[str, str]) -> JsonObject:
    """Answer with the next response of a job.

    The code for an unknown job is seen in the field, its status 400 is inferred.
    """
    job_id = parameters.get("JobId", "")
    if not job_id:
        raise RefusedError(400, "MissingJobId", "JobId is mandatory for this action.")
    try:
        response = store.next_response(job_id)
    except ValueError as error:
        raise RefusedError(500, "InternalError", f"The saved response of this job: {error}") from error
    if response is None:
        raise RefusedError(400, "InvalidParameter.JobNotFound", "The specified job does not exist.")
    return response


def get_event_callback(store: JobStore, _parameters: Mapping[str, str]) -> JsonObject:
    """Answer with the event callback; with no field where none was ever set [inferred]."""
    return {**store.callback}


def set_event_callback(store: JobStore, parameters: Mapping[str, str]) -> JsonObject:
    """Replace the whole event callback. The codes of refusals are inferred."""
    setting = {name: parameters[name] for name in _CALLBACK_FIELDS if parameters.get(name)}
    target = {"HTTP": "CallbackURL", "MNS": "CallbackQueueName"}.get(setting.get("CallbackType", ""))
    if target is None or target not in setting:
        raise RefusedError(400, "InvalidParameter", "CallbackType and its target are mandatory for this action.")
    if not setting.get("CallbackQueueName", _QUEUE_PREFIX).startswith(_QUEUE_PREFIX):
        raise RefusedError(400, "InvalidParameter", f"The name of the queue must start with {_QUEUE_PREFIX}.")
    if len(setting.get("CallbackURL", "").encode()) > _LONGEST_URL:
        raise RefusedError(400, "InvalidParameter", f"CallbackURL exceeds {_LONGEST_URL} bytes.")
    store.callback = setting
    return {"Success": True}


OPERATIONS: Mapping[str, Callable[[JobStore, Mapping[str, str]], JsonObject]] = {
    "QueryIProductionJob": query_iproduction_job,
    "GetEventCallback": get_event_callback,
    "SetEventCallback": set_event_callback,
}
