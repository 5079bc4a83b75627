"""A stand-in for the control of MNS (API version 2022-01-19)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import override

from alicloud_local.mns.store import Queue, QueueStore
from alicloud_local.mns_control.operations import MESSAGE_COUNTS, OPERATIONS
from alicloud_local.rpc.messages import JsonObject
from alicloud_local.rpc.service import RpcService
from alicloud_local.service import Keyring, ServerOptions


class MnsControlServer(RpcService):
    """The queues of a store, which `MnsServer` sends to. The target of a call is the queue.

    With `counts_messages` off, the attributes of each queue count 0 messages, as is announced for the service
    [documented].
    """

    name: ClassVar[str] = "MNS control"
    version: ClassVar[str] = "2022-01-19"
    target_parameters: ClassVar[tuple[str, ...]] = ("QueueName",)

    def __init__(self, keyring: Keyring, options: ServerOptions, store: QueueStore) -> None:
        super().__init__(keyring, options)
        self._store = store
        self.counts_messages = True

    @property
    def queues(self) -> Mapping[str, Queue]:
        """The queues by name."""
        return self._store.queues()

    @property
    @override
    def host(self) -> str:
        return f"mns-open.{self.region}.aliyuncs.com"

    @override
    def carry_out(self, action: str, parameters: Mapping[str, str]) -> JsonObject | None:
        operation = OPERATIONS.get(action)
        if operation is None:
            return None
        answer = operation(self._store, parameters, self.clock())
        if "Success" in answer:
            return {"Status": "Success", "Message": "success", **answer}
        if not self.counts_messages:
            answer.update(dict.fromkeys(answer.keys() & MESSAGE_COUNTS, 0))
        return {"Code": 200, "Status": "Success", "Success": True, "Message": "success", "Data": answer}
