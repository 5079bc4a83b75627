"""A stand-in for STS (Security Token Service, API version 2015-04-01)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import override

from alicloud_local.rpc.messages import JsonObject
from alicloud_local.rpc.service import RpcService
from alicloud_local.sts.operations import OPERATIONS


class StsServer(RpcService):
    """Tells whose keys a request is signed with. Its calls have no target."""

    name: ClassVar[str] = "STS"
    version: ClassVar[str] = "2015-04-01"
    target_parameters: ClassVar[tuple[str, ...]] = ()

    @property
    @override
    def host(self) -> str:
        return f"sts.{self.region}.aliyuncs.com"

    @override
    def carry_out(self, action: str, parameters: Mapping[str, str]) -> JsonObject | None:
        operation = OPERATIONS.get(action)
        return operation() if operation else None
