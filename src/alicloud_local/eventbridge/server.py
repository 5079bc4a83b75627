"""A stand-in for EventBridge (API version 2020-04-01)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

from typing_extensions import override

from alicloud_local.eventbridge.operations import OPERATIONS
from alicloud_local.eventbridge.store import BusStore, Rule
from alicloud_local.rpc.messages import JsonObject
from alicloud_local.rpc.service import RpcService
from alicloud_local.service import Keyring, Refusal, ServerOptions

_INTERNAL_ERROR = Refusal(500, "InternalError", "The request processing has failed due to some unknown error.")


class EventBridgeServer(RpcService):
    """Event buses, made with `create_bus`, that take events. The target of a call is the bus.

    `events` returns what a bus has taken. Rules can be made with `create_rule` and listed; they send nothing.
    """

    name: ClassVar[str] = "EventBridge"
    version: ClassVar[str] = "2020-04-01"
    target_parameters: ClassVar[tuple[str, ...]] = ("EventBusName",)

    def __init__(self, keyring: Keyring, options: ServerOptions) -> None:
        super().__init__(keyring, options)
        self._store = BusStore()

    def create_bus(self, name: str) -> None:
        """Make a custom bus; one that is there already stays as it is."""
        self._store.create(name, self.clock())

    def create_rule(self, bus: str, name: str, endpoint: str, kind: str = "acs.fc.function") -> None:
        """Make a rule with one target on a bus. Raises KeyError for a bus that was not made."""
        self._store.add_rule(bus, Rule(name, kind, endpoint))

    def events(self, bus: str) -> tuple[JsonObject, ...]:
        """Return the events on a bus as CloudEvents, oldest first. Raises KeyError for a bus that was not made."""
        return self._store.events(bus)

    def refuse_part(self, positions: Collection[int], refusal: Refusal = _INTERNAL_ERROR) -> None:
        """Refuse the events at these positions (from 0) of the next request, and take its others.

        A second call is about the request after that.
        """
        self._store.refuse_part(frozenset(positions), refusal)

    @property
    @override
    def host(self) -> str:
        return f"eventbridge-console.{self.region}.aliyuncs.com"

    @override
    def carry_out(self, action: str, parameters: Mapping[str, str]) -> JsonObject | None:
        operation = OPERATIONS.get(action)
        return operation(self._store, parameters, self.region) if operation else None
