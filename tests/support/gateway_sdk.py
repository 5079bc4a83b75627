"""The official SDK of the services behind the API gateway, pointed at the local cloud."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from alibabacloud_tea_openapi.client import Client
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions
from Tea.exceptions import TeaException

from alicloud_local import LocalCloud


def config(cloud: LocalCloud, service: str, **settings: object) -> Config:
    """The configuration of a client, with the cloud's keys; `service` is as in `ICE_RESULT_<service>_ENDPOINT`."""
    environment = cloud.environment
    scheme, _, address = environment[f"ICE_RESULT_{service}_ENDPOINT"].partition("://")
    defaults = {
        "access_key_id": environment["ALIBABA_CLOUD_ACCESS_KEY_ID"],
        "access_key_secret": environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
        "security_token": environment.get("ALIBABA_CLOUD_SECURITY_TOKEN"),
        "endpoint": address,
        "protocol": scheme.upper(),
    }
    return Config(**{**defaults, **settings})


def call_action(client: Client, action: str, version: str, query: Mapping[str, str] | None = None) -> object:
    """Call any action with any parameters, which the SDK's typed methods would not send."""
    described = Params(
        action=action,
        version=version,
        protocol="HTTP",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    return client.call_api(described, OpenApiRequest(query=dict(query or {})), RuntimeOptions())


def refusal(call: Callable[[], object]) -> tuple[int, str]:
    """The status and code of the SDK's exception."""
    with pytest.raises(TeaException) as caught:
        call()
    return caught.value.statusCode or caught.value.status_code, caught.value.code
