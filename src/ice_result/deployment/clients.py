"""Clients of RAM, STS and the control of MNS, which a deployment needs and the function does not."""

from __future__ import annotations

from typing import ClassVar

from ice_result.core.gateway import GatewayClient
from ice_result.core.gateway_errors import gateway_errors
from ice_result.core.sdk_errors import ErrorTable, Rule
from ice_result.errors import NotFoundError, RejectedError, ThrottledError


class RamClient(GatewayClient):
    """Actions of RAM: roles, policies, and what is attached to what."""

    service: ClassVar[str] = "RAM"
    version: ClassVar[str] = "2015-05-01"
    errors: ClassVar[ErrorTable] = gateway_errors(
        service,
        Rule("EntityNotExist", NotFoundError, "{message}"),
        Rule("EntityAlreadyExists|DeleteConflict|LimitExceeded", RejectedError),
    )


class StsClient(GatewayClient):
    """The action of STS that returns the owner of the keys of a request. It needs no permission [documented]."""

    service: ClassVar[str] = "STS"
    version: ClassVar[str] = "2015-04-01"
    errors: ClassVar[ErrorTable] = gateway_errors(service)


class MnsControlClient(GatewayClient):
    """Actions on queues of MNS. Messages are another service, see core/mns_client.py."""

    service: ClassVar[str] = "MNS"
    version: ClassVar[str] = "2022-01-19"
    errors: ClassVar[ErrorTable] = gateway_errors(
        service,
        # Three codes for one thing [the last two are seen in the field].
        Rule("QueueNotExist|ResourceNotFound|RESOURCE_NOT_FOUND", NotFoundError, "{message}"),
        Rule("QueueDeletedRecently", RejectedError, "the queue was removed a moment ago: run it again in a minute"),
        Rule("QueueAlreadyExist|QueueNameInvalid", RejectedError),
        Rule("QpsLimitExceeded", ThrottledError),
    )
