"""Calls to ICE, through its official SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from ice_result.core.calls import ServiceCaller
from ice_result.core.credentials import Credentials
from ice_result.core.endpoints import Endpoint
from ice_result.core.gateway import GatewayClient
from ice_result.core.gateway_errors import gateway_errors
from ice_result.core.sdk_errors import ErrorTable, Rule
from ice_result.core.types import JsonObject
from ice_result.errors import ForbiddenError, NotFoundError, SettingsError
from ice_result.jobs.sizes import check_response, check_text, largest_now

if TYPE_CHECKING:
    from alibabacloud_ice20201109.client import Client


class IceClient(GatewayClient):
    """Actions of ICE in one region, with limits to the size of a response."""

    service: ClassVar[str] = "ICE"
    version: ClassVar[str] = "2020-11-09"
    errors: ClassVar[ErrorTable] = gateway_errors(
        service,  # these codes of ICE were seen in the field
        Rule(
            r"(InvalidParameter\.)?(\w+\.)*JobNotFound",
            NotFoundError,
            "the id is wrong, or the job is of another region",
        ),
        Rule(r"Forbidden\.SubscriptionRequired", ForbiddenError, "ICE is not activated for this account"),
    )

    def __init__(
        self,
        *,
        region: str,
        endpoint: Endpoint | None = None,
        credentials: Credentials,
        caller: ServiceCaller | None = None,
        ca_bundle: str | None = None,
        concurrency: int = 8,
    ) -> None:
        """Take an `endpoint` in place of `ice.<region>.aliyuncs.com`: host, host:port or http(s)://host:port.

        The SDK's own list of endpoints sends most regions to `ice.aliyuncs.com`, which does not know their jobs.
        Raises SettingsError without a region and an endpoint.
        """
        if endpoint is None and not region:
            raise SettingsError([("region", "needed to know where ICE is, unless an endpoint is given")])
        super().__init__(
            endpoint or Endpoint("https", f"ice.{region}.aliyuncs.com"),
            region=region,
            credentials=credentials,
            caller=caller,
            ca_bundle=ca_bundle,
            concurrency=concurrency,
        )

    @override
    def import_client(self) -> type[Client]:
        from alibabacloud_ice20201109.client import Client  # noqa: PLC0415  most of a cold start

        return Client

    @override
    def largest_response(self) -> int:
        return largest_now()

    @override
    def read_body(self, text: str) -> JsonObject:
        check_text(text)
        body = super().read_body(text)
        check_response(body)
        return body
