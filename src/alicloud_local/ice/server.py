"""A stand-in for ICE (Intelligent Cloud Editing, API version 2020-11-09)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from typing_extensions import override

from alicloud_local.ice.operations import OPERATIONS
from alicloud_local.ice.store import JobStore
from alicloud_local.rpc.messages import JsonObject, JsonValue
from alicloud_local.rpc.service import RpcService
from alicloud_local.service import Keyring, ServerOptions


class IceServer(RpcService):
    """ICE with the jobs of a folder, `<job id>.json` each (read anew for every call), and those of `put`.

    The target of a call is the job id.
    """

    name: ClassVar[str] = "ICE"
    version: ClassVar[str] = "2020-11-09"
    target_parameters: ClassVar[tuple[str, ...]] = ("JobId",)

    def __init__(self, keyring: Keyring, options: ServerOptions, jobs: Path | None = None) -> None:
        super().__init__(keyring, options)
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

    @property
    @override
    def host(self) -> str:
        return f"ice.{self.region}.aliyuncs.com"

    @override
    def carry_out(self, action: str, parameters: Mapping[str, str]) -> JsonObject | None:
        operation = OPERATIONS.get(action)
        return operation(self._store, parameters) if operation else None
