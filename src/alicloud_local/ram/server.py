"""A stand-in for RAM (Resource Access Management, API version 2015-05-01)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import override

from alicloud_local.faults import RefusalKind
from alicloud_local.ram.operations import OPERATIONS
from alicloud_local.ram.store import Policy, RamStore, Role
from alicloud_local.rpc.messages import JsonObject
from alicloud_local.rpc.service import RpcService
from alicloud_local.service import Keyring, Refusal, ServerOptions


class RamServer(RpcService):
    """Roles, custom policies and their versions. Nothing here decides what a key may do.

    The target of a call is the name of the role, or else of the policy.
    """

    name: ClassVar[str] = "RAM"
    version: ClassVar[str] = "2015-05-01"
    target_parameters: ClassVar[tuple[str, ...]] = ("RoleName", "PolicyName")
    fault_refusals: ClassVar[Mapping[RefusalKind, Refusal]] = {
        **RpcService.fault_refusals,
        "forbidden": Refusal(403, "NoPermission", "You are not authorized to do this action."),
    }

    def __init__(self, keyring: Keyring, options: ServerOptions) -> None:
        super().__init__(keyring, options)
        self._store = RamStore()

    @property
    def roles(self) -> Mapping[str, Role]:
        """The roles by name."""
        return dict(self._store.roles)

    @property
    def policies(self) -> Mapping[str, Policy]:
        """The custom policies by name."""
        return dict(self._store.policies)

    @property
    @override
    def host(self) -> str:
        return "ram.aliyuncs.com"

    @override
    def carry_out(self, action: str, parameters: Mapping[str, str]) -> JsonObject | None:
        operation = OPERATIONS.get(action)
        if operation is None:
            return None
        with self._store.lock:
            return operation(self._store, parameters, self.clock())
