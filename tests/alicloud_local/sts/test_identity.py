"""STS, called by the official SDK's generic call."""

from __future__ import annotations

from alibabacloud_tea_openapi.client import Client

from alicloud_local import LocalCloud
from support.gateway_sdk import call_action, config, refusal

VERSION = "2015-04-01"


def test_it_tells_whose_keys_they_are(cloud: LocalCloud) -> None:
    """GIVEN keys of the account THEN the answer has the documented fields."""
    answer = call_action(Client(config(cloud, "STS")), "GetCallerIdentity", VERSION)
    assert isinstance(answer, dict)
    body = answer["body"]
    assert body["AccountId"] == "1234567890123456"
    assert body["Arn"].startswith("acs:ram::1234567890123456:user/")
    assert {"IdentityType", "PrincipalId", "UserId", "RequestId"} <= body.keys()


def test_other_actions_and_keys_are_refused(cloud: LocalCloud) -> None:
    """GIVEN an action that STS does not have here, and a wrong secret THEN each gets the gateway's code."""
    client = Client(config(cloud, "STS"))
    assert refusal(lambda: call_action(client, "AssumeRole", VERSION)) == (404, "InvalidAction.NotFound")
    wrong = Client(config(cloud, "STS", access_key_secret="guessed"))
    assert refusal(lambda: call_action(wrong, "GetCallerIdentity", VERSION)) == (400, "SignatureDoesNotMatch")
