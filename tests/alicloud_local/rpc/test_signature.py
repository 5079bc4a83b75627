"""ICE's signature ACS3-HMAC-SHA256, by the real SDK."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from alibabacloud_tea_openapi.utils_models import GlobalParameters

from alicloud_local import LocalCloud
from alicloud_local.rpc.messages import JsonObject
from support.gateway_sdk import refusal

IceSdk = Callable[..., Callable[[str], dict[str, object]]]
JOB: JsonObject = {"JobId": "job-1", "Status": "Success", "FunctionName": "Cover", "Result": "[]", "UserData": "片头"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"access_key_id": "LTAI5tNobody"}, (404, "InvalidAccessKeyId.NotFound")),
        ({"access_key_secret": "guessed"}, (400, "SignatureDoesNotMatch")),
        ({"security_token": "uncalled-for"}, (400, "InvalidSecurityToken.MismatchWithAccessKey")),
    ],
)
def test_wrong_keys_are_refused(
    cloud: LocalCloud, ice_sdk: IceSdk, settings: dict[str, str], expected: tuple[int, str]
) -> None:
    """An unknown key id, a wrong secret and a token that belongs to no key each get ICE's code."""
    cloud.ice.put("job-1", JOB)

    assert refusal(lambda: ice_sdk(cloud, **settings)("job-1")) == expected


def test_temporary_keys_need_their_token(cloud: LocalCloud, ice_sdk: IceSdk) -> None:
    """STS keys work with their token, and not without it."""
    cloud.ice.put("job-1", JOB)
    cloud.rotate(temporary=True)

    assert ice_sdk(cloud)("job-1")["JobId"] == "job-1"
    assert refusal(lambda: ice_sdk(cloud, security_token=None)("job-1")) == (400, "MissingSecurityToken")


def test_rotated_keys_are_refused(cloud: LocalCloud, ice_sdk: IceSdk) -> None:
    """After a rotation the old keys are unknown, and the new environment works."""
    cloud.ice.put("job-1", JOB)
    old = ice_sdk(cloud)
    cloud.rotate()

    assert refusal(lambda: old("job-1")) == (404, "InvalidAccessKeyId.NotFound")
    assert ice_sdk(cloud)("job-1")["JobId"] == "job-1"


def test_a_second_pair_of_keys_can_be_added(cloud: LocalCloud, ice_sdk: IceSdk) -> None:
    """`credentials` is a mapping that may be changed while the server runs."""
    cloud.ice.put("job-1", JOB)
    cloud.credentials["LTAI5tSecond"] = "another secret"

    query = ice_sdk(cloud, access_key_id="LTAI5tSecond", access_key_secret="another secret")

    assert query("job-1")["JobId"] == "job-1"


@pytest.mark.parametrize("seconds", [-16 * 60, 16 * 60])
def test_a_date_more_than_a_quarter_of_an_hour_off_is_expired(ice_sdk: IceSdk, seconds: int) -> None:
    """Either way: the client's clock may be fast or slow."""
    with LocalCloud(clock=lambda: time.time() + seconds) as cloud:
        assert refusal(lambda: ice_sdk(cloud)("job-1")) == (400, "InvalidTimeStamp.Expired")


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        ("x-acs-date", "yesterday", (400, "InvalidTimeStamp.Format")),
        ("x-acs-signature-nonce", "", (400, "MissingSignatureNonce")),
    ],
)
def test_malformed_headers_are_refused(
    cloud: LocalCloud, ice_sdk: IceSdk, header: str, value: str, expected: tuple[int, str]
) -> None:
    """Even when they are signed correctly."""
    query = ice_sdk(cloud, global_parameters=GlobalParameters(headers={header: value}))

    assert refusal(lambda: query("job-1")) == expected


def test_a_nonce_is_accepted_once(cloud: LocalCloud, ice_sdk: IceSdk) -> None:
    """A request that repeats a nonce is taken for a replay."""
    cloud.ice.put("job-1", JOB)
    query = ice_sdk(cloud, global_parameters=GlobalParameters(headers={"x-acs-signature-nonce": "the same"}))

    assert query("job-1")["JobId"] == "job-1"
    assert refusal(lambda: query("job-1")) == (400, "SignatureNonceUsed")
