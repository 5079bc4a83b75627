"""RAM's operations on roles and custom policies.

Limits, fields, codes and statuses are documented. Inferred: the texts of some messages, and the order of the checks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import TypeAlias

from alicloud_local.ram.store import Policy, PolicyVersion, RamStore, Role
from alicloud_local.rpc.messages import JsonObject, JsonValue
from alicloud_local.service import ACCOUNT_ID, RefusedError

MOST_VERSIONS = 5
LONGEST_DOCUMENT = 6144
_LONGEST_TRUST = 2048
_LONGEST_DESCRIPTION = 1024
_ROLE_NAME = re.compile(r"[A-Za-z0-9.-]{1,64}")
_POLICY_NAME = re.compile(r"[A-Za-z0-9-]{1,128}")
_ROTATE = "DeleteOldestNonDefaultVersionWhenLimitExceeded"
Parameters: TypeAlias = Mapping[str, str]


def create_role(store: RamStore, parameters: Parameters, now: float) -> JsonObject:
    """Make a role, which nothing is attached to yet."""
    name = _name(parameters, "RoleName", _ROLE_NAME)
    if name in store.roles:
        raise RefusedError(409, "EntityAlreadyExists.Role", f"The role already exists: {name}")
    trust = _document(parameters, "AssumeRolePolicyDocument", _LONGEST_TRUST, "Principal")
    store.roles[name] = Role(name, trust, _description(parameters), now)
    return {"Role": _shown_role(store.roles[name])}


def get_role(store: RamStore, parameters: Parameters, _now: float) -> JsonObject:
    """Describe a role."""
    return {"Role": _shown_role(_role(store, parameters))}


def update_role(store: RamStore, parameters: Parameters, _now: float) -> JsonObject:
    """Replace the trust document of a role, its description, or both."""
    role = _role(store, parameters)
    if "NewAssumeRolePolicyDocument" in parameters:
        role.trust = _document(parameters, "NewAssumeRolePolicyDocument", _LONGEST_TRUST, "Principal")
    role.description = parameters.get("NewDescription", role.description)
    return {"Role": _shown_role(role)}


def delete_role(store: RamStore, parameters: Parameters, _now: float) -> JsonObject:
    """Remove a role that no policy is attached to."""
    role = _role(store, parameters)
    if role.policies:
        raise RefusedError(
            409, "DeleteConflict.Role.Policy", "The role can not have any attached policy while deleting."
        )
    del store.roles[role.name]
    return {}


def create_policy(store: RamStore, parameters: Parameters, now: float) -> JsonObject:
    """Make a policy with one version."""
    name = _name(parameters, "PolicyName", _POLICY_NAME)
    if name in store.policies:
        raise RefusedError(409, "EntityAlreadyExists.Policy", f"The policy already exists: {name}")
    version = PolicyVersion("v1", _document(parameters, "PolicyDocument", LONGEST_DOCUMENT, "Resource"), now)
    store.policies[name] = Policy(name, _description(parameters), now, [version])
    return {"Policy": _shown_policy(store, store.policies[name])}


def get_policy(store: RamStore, parameters: Parameters, _now: float) -> JsonObject:
    """Describe a policy and its default version."""
    policy = _policy(store, parameters)
    default = next(each for each in policy.versions if each.identifier == policy.default)
    return {"Policy": _shown_policy(store, policy), "DefaultPolicyVersion": _shown_version(policy, default)}


def create_policy_version(store: RamStore, parameters: Parameters, now: float) -> JsonObject:
    """Add a version to a policy. RotateStrategy lets the oldest that is not the default go when five are there."""
    policy = _policy(store, parameters)
    document = _document(parameters, "PolicyDocument", LONGEST_DOCUMENT, "Resource")
    if len(policy.versions) >= MOST_VERSIONS:
        if parameters.get("RotateStrategy") != _ROTATE:
            raise RefusedError(409, "LimitExceeded.Policy.Version", "The count of policy versions beyond the limit.")
        policy.versions.remove(next(each for each in policy.versions if each.identifier != policy.default))
    newest = max(int(each.identifier[1:]) for each in policy.versions)
    version = PolicyVersion(f"v{newest + 1}", document, now)
    policy.versions.append(version)
    if parameters.get("SetAsDefault", "").lower() == "true":
        policy.default = version.identifier
    return {"PolicyVersion": _shown_version(policy, version)}


def list_policy_versions(store: RamStore, parameters: Parameters, _now: float) -> JsonObject:
    """List the versions of a policy, oldest first."""
    policy = _policy(store, parameters)
    return {"PolicyVersions": {"PolicyVersion": [_shown_version(policy, each) for each in policy.versions]}}


def delete_policy_version(store: RamStore, parameters: Parameters, _now: float) -> JsonObject:
    """Remove a version that is not the default."""
    policy = _policy(store, parameters)
    wanted = parameters.get("VersionId", "")
    version = next((each for each in policy.versions if each.identifier == wanted), None)
    if version is None:
        raise RefusedError(404, "EntityNotExist.Policy.Version", f"The policy version does not exist: {wanted}")
    if wanted == policy.default:
        raise RefusedError(
            409, "DeleteConflict.Policy.Version.Default", "The default policy version can not be deleted."
        )
    policy.versions.remove(version)
    return {}


def delete_policy(store: RamStore, parameters: Parameters, _now: float) -> JsonObject:
    """Remove a policy that is attached to nothing and has only its default version."""
    policy = _policy(store, parameters)
    if any(policy.name in role.policies for role in store.roles.values()):
        raise RefusedError(
            409, "DeleteConflict.Policy.Role", "The policy can not be attached to any role while deleting."
        )
    if len(policy.versions) > 1:
        raise RefusedError(
            409, "DeleteConflict.Policy.Version", "The policy can not have any version except the default version."
        )
    del store.policies[policy.name]
    return {}


def attach_policy_to_role(store: RamStore, parameters: Parameters, _now: float) -> JsonObject:
    """Attach a custom policy to a role."""
    role, policy = _role(store, parameters), _policy(store, parameters)
    if policy.name in role.policies:
        raise RefusedError(409, "EntityAlreadyExists.Role.Policy", "The policy is already attached to the role.")
    role.policies.append(policy.name)
    return {}


def detach_policy_from_role(store: RamStore, parameters: Parameters, _now: float) -> JsonObject:
    """Detach a custom policy from a role."""
    role, policy = _role(store, parameters), _policy(store, parameters)
    if policy.name not in role.policies:
        raise RefusedError(404, "EntityNotExist.Role.Policy", "The policy is not attached to the role.")
    role.policies.remove(policy.name)
    return {}


def list_policies_for_role(store: RamStore, parameters: Parameters, _now: float) -> JsonObject:
    """List the policies that are attached to a role."""
    role = _role(store, parameters)
    shown: list[JsonValue] = [
        {"PolicyName": name, "PolicyType": "Custom", "DefaultVersion": store.policies[name].default}
        for name in role.policies
    ]
    return {"Policies": {"Policy": shown}}


OPERATIONS: Mapping[str, Callable[[RamStore, Parameters, float], JsonObject]] = {
    "CreateRole": create_role,
    "GetRole": get_role,
    "UpdateRole": update_role,
    "DeleteRole": delete_role,
    "CreatePolicy": create_policy,
    "GetPolicy": get_policy,
    "CreatePolicyVersion": create_policy_version,
    "ListPolicyVersions": list_policy_versions,
    "DeletePolicyVersion": delete_policy_version,
    "DeletePolicy": delete_policy,
    "AttachPolicyToRole": attach_policy_to_role,
    "DetachPolicyFromRole": detach_policy_from_role,
    "ListPoliciesForRole": list_policies_for_role,
}


def _name(parameters: Parameters, parameter: str, form: re.Pattern[str]) -> str:
    name = parameters.get(parameter, "")
    if not name:
        raise RefusedError(400, f"Missing{parameter}", f"{parameter} is mandatory for this action.")
    if not form.fullmatch(name):
        raise RefusedError(
            400, f"InvalidParameter.{parameter}.InvalidChars", f'The parameter - "{parameter}" contains invalid chars.'
        )
    return name


def _description(parameters: Parameters) -> str:
    description = parameters.get("Description", "")
    if len(description) > _LONGEST_DESCRIPTION:
        raise RefusedError(
            400, "InvalidParameter.Description.Length", 'The parameter - "Description" beyond the length limit.'
        )
    return description


def _document(parameters: Parameters, parameter: str, longest: int, needed: str) -> str:
    """Return a policy document. Every statement needs Effect, Action and `needed`."""
    text = parameters.get(parameter, "")
    if len(text) > longest:
        raise RefusedError(
            400, f"InvalidParameter.{parameter}.Length", f'The parameter - "{parameter}" beyond the length limit.'
        )
    try:
        document = json.loads(text)
        statements = document["Statement"]
        is_valid = document["Version"] == "1" and bool(statements)
        is_valid &= all({"Effect", "Action", needed} <= statement.keys() for statement in statements)
    except (ValueError, TypeError, KeyError, AttributeError):
        is_valid = False
    if not is_valid:
        raise RefusedError(400, f"InvalidParameter.{parameter}", "The policy document is not valid.")
    return text


def _role(store: RamStore, parameters: Parameters) -> Role:
    name = _name(parameters, "RoleName", _ROLE_NAME)
    if name not in store.roles:
        raise RefusedError(404, "EntityNotExist.Role", f"The role does not exist: {name}")
    return store.roles[name]


def _policy(store: RamStore, parameters: Parameters) -> Policy:
    name = _name(parameters, "PolicyName", _POLICY_NAME)
    if parameters.get("PolicyType", "Custom") != "Custom" or name not in store.policies:
        raise RefusedError(404, "EntityNotExist.Policy", f"The policy does not exist: {name}")
    return store.policies[name]


def _shown_role(role: Role) -> JsonObject:
    return {
        "RoleId": role.identifier,
        "RoleName": role.name,
        "Arn": f"acs:ram::{ACCOUNT_ID}:role/{role.name.lower()}",
        "Description": role.description,
        "AssumeRolePolicyDocument": role.trust,
        "CreateDate": _date(role.created),
    }


def _shown_policy(store: RamStore, policy: Policy) -> JsonObject:
    return {
        "PolicyName": policy.name,
        "PolicyType": "Custom",
        "Description": policy.description,
        "DefaultVersion": policy.default,
        "CreateDate": _date(policy.created),
        "AttachmentCount": sum(policy.name in role.policies for role in store.roles.values()),
    }


def _shown_version(policy: Policy, version: PolicyVersion) -> JsonObject:
    return {
        "VersionId": version.identifier,
        "IsDefaultVersion": version.identifier == policy.default,
        "PolicyDocument": version.document,
        "CreateDate": _date(version.created),
    }


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
