"""RAM, called with its official SDK."""

from __future__ import annotations

import json

import pytest
from alibabacloud_ram20150501 import models as ram
from alibabacloud_ram20150501.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException

from alicloud_local import Fault, LocalCloud
from support.gateway_sdk import call_action, config, refusal

TRUST = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["fc.aliyuncs.com"]}},
        ],
    }
)


def policy(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "1", "Statement": [statement]})


@pytest.fixture
def client(cloud: LocalCloud) -> Client:
    return Client(config(cloud, "RAM"))


def make(client: Client, name: str = "ice-result") -> None:
    """A role and a policy of this name, attached."""
    client.create_role(
        ram.CreateRoleRequest(role_name=name, assume_role_policy_document=TRUST, description="made by a test")
    )
    client.create_policy(ram.CreatePolicyRequest(policy_name=name, policy_document=policy("ice:Query")))
    attach = ram.AttachPolicyToRoleRequest(policy_type="Custom", policy_name=name, role_name=name)
    client.attach_policy_to_role(attach)


def test_what_was_made_is_described(client: Client, cloud: LocalCloud) -> None:
    """GIVEN a role with a policy WHEN both are asked for THEN documents, version, ARN and attachment are there."""
    make(client, "Ice-Result")

    role = client.get_role(ram.GetRoleRequest(role_name="Ice-Result")).body.role
    body = client.get_policy(ram.GetPolicyRequest(policy_type="Custom", policy_name="Ice-Result")).body
    attached = client.list_policies_for_role(ram.ListPoliciesForRoleRequest(role_name="Ice-Result")).body.policies

    assert (role.arn, role.description) == ("acs:ram::1234567890123456:role/ice-result", "made by a test")
    assert json.loads(role.assume_role_policy_document) == json.loads(TRUST)
    assert (body.policy.default_version, body.policy.attachment_count) == ("v1", 1)
    assert json.loads(body.default_policy_version.policy_document) == json.loads(policy("ice:Query"))
    assert [each.policy_name for each in attached.policy] == ["Ice-Result"]
    assert cloud.ram.roles["Ice-Result"].policies == ["Ice-Result"]


def test_a_sixth_version_is_refused_unless_the_oldest_may_go(client: Client) -> None:
    """GIVEN five versions THEN one more is refused; with RotateStrategy the oldest that is not the default goes."""
    make(client)
    for number in range(4):
        request = ram.CreatePolicyVersionRequest(policy_name="ice-result", policy_document=policy(f"ice:{number}"))
        client.create_policy_version(request)
    request = ram.CreatePolicyVersionRequest(
        policy_name="ice-result", policy_document=policy("ice:New"), set_as_default=True
    )
    assert refusal(lambda: client.create_policy_version(request)) == (409, "LimitExceeded.Policy.Version")

    request.rotate_strategy = "DeleteOldestNonDefaultVersionWhenLimitExceeded"
    client.create_policy_version(request)

    listing = ram.ListPolicyVersionsRequest(policy_type="Custom", policy_name="ice-result")
    versions = client.list_policy_versions(listing).body.policy_versions.policy_version
    shown = [(each.version_id, each.is_default_version) for each in versions]
    assert shown == [("v1", False), ("v3", False), ("v4", False), ("v5", False), ("v6", True)]


def test_things_are_removed_in_the_right_order(client: Client, cloud: LocalCloud) -> None:
    """GIVEN an attached policy with two versions THEN each removal is refused until what hangs on it is gone."""
    make(client)
    newer = ram.CreatePolicyVersionRequest(
        policy_name="ice-result", policy_document=policy("ice:New"), set_as_default=True
    )
    client.create_policy_version(newer)
    remove_role = ram.DeleteRoleRequest(role_name="ice-result")
    remove_policy = ram.DeletePolicyRequest(policy_name="ice-result")
    with pytest.raises(AlibabaCloudException, match=r"DeleteConflict\.Role\.Policy"):
        client.delete_role(remove_role)
    with pytest.raises(AlibabaCloudException, match=r"DeleteConflict\.Policy\.Role"):
        client.delete_policy(remove_policy)
    client.detach_policy_from_role(
        ram.DetachPolicyFromRoleRequest(policy_type="Custom", policy_name="ice-result", role_name="ice-result")
    )
    with pytest.raises(AlibabaCloudException, match=r"DeleteConflict\.Policy\.Version"):
        client.delete_policy(remove_policy)
    with pytest.raises(AlibabaCloudException, match=r"DeleteConflict\.Policy\.Version\.Default"):
        client.delete_policy_version(ram.DeletePolicyVersionRequest(policy_name="ice-result", version_id="v2"))
    client.delete_policy_version(ram.DeletePolicyVersionRequest(policy_name="ice-result", version_id="v1"))
    client.delete_policy(remove_policy)
    client.delete_role(remove_role)
    assert (cloud.ram.roles, cloud.ram.policies) == ({}, {})


def test_a_role_gets_another_trust_document(client: Client, cloud: LocalCloud) -> None:
    """GIVEN a role WHEN its trust is replaced THEN its description stays."""
    make(client)
    other = TRUST.replace("fc.", "mns.")
    client.update_role(ram.UpdateRoleRequest(role_name="ice-result", new_assume_role_policy_document=other))
    role = cloud.ram.roles["ice-result"]
    assert (role.trust, role.description) == (other, "made by a test")


@pytest.mark.parametrize(
    ("action", "parameters", "code", "status"),
    [
        ("GetRole", {"RoleName": "none"}, "EntityNotExist.Role", 404),
        ("GetRole", {}, "MissingRoleName", 400),
        ("GetRole", {"RoleName": "a/b"}, "InvalidParameter.RoleName.InvalidChars", 400),
        ("GetPolicy", {"PolicyName": "none", "PolicyType": "Custom"}, "EntityNotExist.Policy", 404),
        ("GetPolicy", {"PolicyName": "ice-result", "PolicyType": "System"}, "EntityNotExist.Policy", 404),
        ("CreateRole", {"RoleName": "ice-result"}, "EntityAlreadyExists.Role", 409),
        ("CreatePolicy", {"PolicyName": "ice-result"}, "EntityAlreadyExists.Policy", 409),
        ("CreatePolicy", {"PolicyName": "b", "PolicyDocument": "{}"}, "InvalidParameter.PolicyDocument", 400),
        ("CreatePolicy", {"PolicyName": "b", "PolicyDocument": "[1]"}, "InvalidParameter.PolicyDocument", 400),
        ("CreatePolicy", {"PolicyName": "b", "PolicyDocument": TRUST}, "InvalidParameter.PolicyDocument", 400),
        (
            "CreatePolicy",
            {"PolicyName": "b", "PolicyDocument": policy("a" * 6144)},
            "InvalidParameter.PolicyDocument.Length",
            400,
        ),
        (
            "CreatePolicy",
            {"PolicyName": "b", "PolicyDocument": policy("a"), "Description": "x" * 1025},
            "InvalidParameter.Description.Length",
            400,
        ),
        ("AttachPolicyToRole", {}, "MissingRoleName", 400),
        (
            "AttachPolicyToRole",
            {"PolicyType": "Custom", "PolicyName": "ice-result", "RoleName": "ice-result"},
            "EntityAlreadyExists.Role.Policy",
            409,
        ),
        ("DeletePolicyVersion", {"PolicyName": "ice-result", "VersionId": "v9"}, "EntityNotExist.Policy.Version", 404),
        ("RemoveEverything", {}, "InvalidAction.NotFound", 404),
    ],
)
def test_refusals_are_those_of_ram(
    client: Client, action: str, parameters: dict[str, str], code: str, status: int
) -> None:
    """GIVEN a role and a policy WHEN a call cannot be carried out THEN code and status are the documented ones."""
    make(client)
    assert refusal(lambda: call_action(client, action, "2015-05-01", parameters)) == (status, code)


def test_a_missing_permission_is_told(client: Client, cloud: LocalCloud) -> None:
    """GIVEN a key that may not read roles THEN RAM says so with its own code."""
    cloud.ram.fail(Fault("forbidden", operation="GetRole", times=None))
    assert refusal(lambda: client.get_role(ram.GetRoleRequest(role_name="ice-result"))) == (403, "NoPermission")
    assert [(each.operation, each.target, each.status) for each in cloud.ram.calls] == [("GetRole", "ice-result", 403)]
