"""A stand-in for ICE (Intelligent Cloud Editing, API version 2020-11-09)."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from typing_extensions import override

from alicloud_local.faults import RefusalKind
from alicloud_local.http_server import Reply, Request
from alicloud_local.ice.messages import JsonObject, JsonValue, json_reply
from alicloud_local.ice.operations import OPERATIONS
from alicloud_local.ice.signature import Acs3Verifier
from alicloud_local.ice.store import JobStore
from alicloud_local.service import Keyring, LocalService, Refusal, RefusedError, ServerOptions

API_VERSION = "2020-11-09"


class IceServer(LocalService):
    """ICE with the jobs of a folder, `<job id>.json` each (read anew for every call), and those of `put`.

    Every request must bear a valid ACS3-HMAC-SHA256 signature. Every answer gets a RequestId of its own. The operation
    of a call is the action, its target the job id.
    """

    name: ClassVar[str] = "ICE"
    fault_refusals: ClassVar[Mapping[RefusalKind, Refusal]] = {
        "throttle": Refusal(400, "Throttling.User", "Request was denied due to user flow control."),
        "error_500": Refusal(500, "InternalError", "The request processing has failed due to some unknown error."),
        "forbidden": Refusal(403, "Forbidden.RAM", "User not authorized to operate on the specified resource."),
        "expired_keys": Refusal(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired."),
        "clock_skew": Refusal(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."),
    }

    def __init__(self, keyring: Keyring, options: ServerOptions, jobs: Path | None = None) -> None:
        super().__init__(keyring, options, is_fault_target=operator.eq)
        self._verifier = Acs3Verifier(keyring, options.clock)
        self._store = JobStore(jobs)

    @property
    def callback(self) -> dict[str, str]:
        """The event callback, as GetEventCallback answers it."""
        return self._store.callback

    @callback.setter
    def callback(self, setting: dict[str, str]) -> None:
        self._store.callback = setting

    def put(self, job_id: str, *responses: Mapping[str, JsonValue]) -> None:
        """Answer for `job_id` with these responses in turn, one per call; the last one stays.

        Raises ValueError for no response.
        """
        self._store.put(job_id, responses)

    def forget(self, job_id: str) -> None:
        """Drop a job that was `put`, as ICE does after some time [inferred]."""
        self._store.forget(job_id)

    def jobs(self) -> dict[str, JsonObject]:
        """Return the last response of every job by job id. Raises ValueError for a file that is not a JSON object."""
        return self._store.final_responses()

    @override
    def locate(self, request: Request) -> tuple[str, str]:
        return request.headers.get("x-acs-action", ""), request.parameters.get("JobId", "")

    @override
    def answer(self, request: Request) -> Reply:
        self._verifier.verify(request)
        if request.headers.get("x-acs-version") != API_VERSION:  # that this is checked before the action is inferred
            raise RefusedError(400, "InvalidVersion", "Specified parameter Version is not valid.")
        operation = OPERATIONS.get(request.headers.get("x-acs-action", ""))
        if operation is None:  # some services of the gateway say InvalidApi.NotFound instead
            raise RefusedError(
                404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method."
            )
        return json_reply(200, operation(self._store, request.parameters))

    @override
    def refuse(self, refusal: RefusedError, request: Request) -> Reply:
        return json_reply(
            refusal.status,
            {
                "HostId": f"ice.{self.region}.aliyuncs.com",
                "Code": refusal.code,
                "Message": refusal.message,
                "Recommend": f"https://api.aliyun.com/troubleshoot?q={refusal.code}&product=ICE",
            },
        )
