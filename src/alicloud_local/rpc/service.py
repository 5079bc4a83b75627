"""The base of services behind the API gateway: an action and a version in headers, parameters in query or form."""

from __future__ import annotations

import operator
from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import parse_qsl

from typing_extensions import override

from alicloud_local.faults import RefusalKind
from alicloud_local.http_server import Reply, Request
from alicloud_local.rpc.messages import JsonObject, json_reply
from alicloud_local.rpc.signature import Acs3Verifier
from alicloud_local.service import Keyring, LocalService, Refusal, RefusedError, ServerOptions


class RpcService(LocalService):
    """A service of the gateway.

    Every request must bear a valid ACS3-HMAC-SHA256 signature. Every answer gets a RequestId of its own. The operation
    of a call is the action, its target the parameter that names what it is about.
    """

    fault_refusals: ClassVar[Mapping[RefusalKind, Refusal]] = {
        "throttle": Refusal(400, "Throttling.User", "Request was denied due to user flow control."),
        "error_500": Refusal(500, "InternalError", "The request processing has failed due to some unknown error."),
        "forbidden": Refusal(403, "Forbidden.RAM", "User not authorized to operate on the specified resource."),
        "expired_keys": Refusal(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired."),
        "clock_skew": Refusal(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."),
    }
    version: ClassVar[str]
    target_parameters: ClassVar[tuple[str, ...]]
    """Parameters that name the target of a call; the first one that a call has counts."""

    def __init__(self, keyring: Keyring, options: ServerOptions) -> None:
        super().__init__(keyring, options, is_fault_target=operator.eq)
        self._verifier = Acs3Verifier(keyring, options.clock)

    @property
    @abstractmethod
    def host(self) -> str:
        """Host of the real service, which its refusals name."""

    @abstractmethod
    def carry_out(self, action: str, parameters: Mapping[str, str]) -> JsonObject | None:
        """Carry an action out; None for an unknown one. Raises RefusedError."""

    @override
    def locate(self, request: Request) -> tuple[str, str]:
        parameters = _parameters(request)
        named = (parameters.get(name, "") for name in self.target_parameters)
        return request.headers.get("x-acs-action", ""), next((name for name in named if name), "")

    @override
    def answer(self, request: Request) -> Reply:
        self._verifier.verify(request)
        if request.headers.get("x-acs-version") != self.version:  # that this is checked before the action is inferred
            raise RefusedError(400, "InvalidVersion", "Specified parameter Version is not valid.")
        answer = self.carry_out(request.headers.get("x-acs-action", ""), _parameters(request))
        if answer is None:  # some services of the gateway say InvalidApi.NotFound instead
            raise RefusedError(
                404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method."
            )
        return json_reply(200, answer)

    @override
    def refuse(self, refusal: RefusedError, request: Request) -> Reply:
        return json_reply(
            refusal.status,
            {
                "HostId": self.host,
                "Code": refusal.code,
                "Message": refusal.message,
                "Recommend": f"https://api.aliyun.com/troubleshoot?q={refusal.code}&product={self.name}",
            },
        )


def _parameters(request: Request) -> dict[str, str]:
    """Return the parameters of a call: those of the query, and those of a form in the body."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return request.parameters
    form = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    return {**dict(form), **request.parameters}
