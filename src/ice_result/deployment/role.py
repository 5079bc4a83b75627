"""The function's role: who may assume it, its policy, and that the policy is attached."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

from ice_result.core.types import JsonObject, JsonValue
from ice_result.deployment.clients import RamClient
from ice_result.deployment.steps import MADE_BY_US, Change, Step, allowed
from ice_result.errors import NotFoundError

MOST_VERSIONS = 5
"""Versions of one policy [documented]."""
_ROTATE = "DeleteOldestNonDefaultVersionWhenLimitExceeded"


class Role:
    """A role and its policy of the same name, in RAM."""

    def __init__(self, client: RamClient, name: str) -> None:
        self._client = client
        self._name = name

    def set_up(self, trust: JsonObject, policy: JsonObject) -> Iterator[Step]:
        """Yield the steps: the role with its trust, the policy with its document, and the attachment."""
        yield self._role_step(trust)
        yield self._policy_step(policy)
        attached = self._attached()
        attach = {"PolicyType": "Custom", "PolicyName": self._name, "RoleName": self._name}
        missing = self._name not in attached
        yield Step(
            f"policy {self._name} on role {self._name}",
            "missing" if missing else "there",
            (self._change("AttachPolicyToRole", attach),) if missing else (),
        )

    def take_down(self) -> Iterator[Step]:
        """Yield the steps that remove what setup made: first the attachment, then the policy, then the role."""
        name = self._name
        role, policy = self._find("GetRole", {"RoleName": name}), self._find("GetPolicy", self._policy)
        ours = {
            "role": _text(_object(role, "Role"), "Description") == MADE_BY_US,
            "policy": _text(_object(policy, "Policy"), "Description") == MADE_BY_US,
        }
        if policy is not None and ours["policy"]:
            if role is not None and name in self._attached():
                detach = {"PolicyType": "Custom", "PolicyName": name, "RoleName": name}
                yield Step(f"policy {name} on role {name}", "there", (self._change("DetachPolicyFromRole", detach),))
            versions = [
                self._change("DeletePolicyVersion", {"PolicyName": name, "VersionId": version})
                for version in self._other_versions()
            ]
            yield Step(f"policy {name}", "there", (*versions, self._change("DeletePolicy", {"PolicyName": name})))
        elif policy is not None:
            yield Step(f"policy {name}", "kept", note="setup did not make it")
        if role is not None and ours["role"]:
            yield Step(f"role {name}", "there", (self._change("DeleteRole", {"RoleName": name}),))
        elif role is not None:
            yield Step(f"role {name}", "kept", note="setup did not make it")

    def _role_step(self, trust: JsonObject) -> Step:
        found = self._find("GetRole", {"RoleName": self._name})
        if found is None:
            made = {
                "RoleName": self._name,
                "AssumeRolePolicyDocument": json.dumps(trust),
                "Description": MADE_BY_US,
            }
            return Step(f"role {self._name}", "missing", (self._change("CreateRole", made),))
        present = _document(_text(_object(found, "Role"), "AssumeRolePolicyDocument"))
        wanted = _merged(present, trust)
        if wanted == present:
            return Step(f"role {self._name}", "there")
        changed = {"RoleName": self._name, "NewAssumeRolePolicyDocument": json.dumps(wanted)}
        note = "Function Compute may not assume it"
        return Step(f"role {self._name}", "differs", (self._change("UpdateRole", changed),), note)

    def _policy_step(self, document: JsonObject) -> Step:
        found = self._find("GetPolicy", self._policy)
        if found is None:
            made = {"PolicyName": self._name, "PolicyDocument": json.dumps(document), "Description": MADE_BY_US}
            return Step(f"policy {self._name}", "missing", (self._change("CreatePolicy", made),))
        present = _document(_text(_object(found, "DefaultPolicyVersion"), "PolicyDocument"))
        if present == document:
            return Step(f"policy {self._name}", "there")
        newer = {
            "PolicyName": self._name,
            "PolicyDocument": json.dumps(document),
            "SetAsDefault": "true",
            "RotateStrategy": _ROTATE,
        }
        return Step(
            f"policy {self._name}",
            "differs",
            (self._change("CreatePolicyVersion", newer),),
            "; ".join(_differences(present, document)),
        )

    @property
    def _policy(self) -> dict[str, str]:
        return {"PolicyType": "Custom", "PolicyName": self._name}

    def _find(self, action: str, query: dict[str, str]) -> JsonObject | None:
        try:
            return allowed(f"ram:{action}", partial(self._client.call, action, query, about=self._name, read=_body))
        except NotFoundError:
            return None

    def _attached(self) -> list[str]:
        """Return the names of the custom policies on the role; none for a role that is not there."""
        found = self._find("ListPoliciesForRole", {"RoleName": self._name})
        return [
            _text(policy, "PolicyName")
            for policy in _objects(_object(found, "Policies"), "Policy")
            if _text(policy, "PolicyType") == "Custom"
        ]

    def _other_versions(self) -> list[str]:
        """Return the identifiers of all versions but the default."""
        found = self._find("ListPolicyVersions", self._policy)
        versions = _objects(_object(found, "PolicyVersions"), "PolicyVersion")
        return [_text(version, "VersionId") for version in versions if not version.get("IsDefaultVersion")]

    def _change(self, action: str, query: dict[str, str]) -> Change:
        shown = " ".join(f"{name}={text}" for name, text in query.items() if name not in _LONG)
        make = partial(self._client.call, action, query, about=self._name, read=_body)
        return Change(f"ram:{action}", f"{action} {shown}", make)


_LONG = ("AssumeRolePolicyDocument", "NewAssumeRolePolicyDocument", "PolicyDocument", "Description", "RotateStrategy")


def _merged(present: JsonObject, trust: JsonObject) -> JsonObject:
    """Add the statements of a trust document that the present one lacks: others may assume the role as well."""
    statements = _objects(present, "Statement")
    lacking = [
        wanted for wanted in _objects(trust, "Statement") if not any(_allows(each, wanted) for each in statements)
    ]
    if not lacking:
        return present
    return {**trust, **present, "Statement": [*statements, *lacking]}


def _allows(statement: JsonObject, wanted: JsonObject) -> bool:
    """Return True for a statement that lets the service of `wanted` assume the role."""
    services = set(_texts(_object(statement, "Principal").get("Service")))
    needed = set(_texts(_object(wanted, "Principal").get("Service")))
    same = statement.get("Effect") == "Allow" and not statement.get("Condition")
    return same and needed <= services and set(_texts(wanted.get("Action"))) <= set(_texts(statement.get("Action")))


def _differences(present: JsonObject, wanted: JsonObject) -> Iterator[str]:
    """Yield the actions that are in one of two policies alone."""
    there, needed = _actions(present), _actions(wanted)
    if lacking := sorted(needed - there):
        yield f"lacks {', '.join(lacking)}"
    if more := sorted(there - needed):
        yield f"has {', '.join(more)}"
    if there == needed:
        yield "the same actions on other resources"


def _actions(document: JsonObject) -> set[str]:
    return {action for statement in _objects(document, "Statement") for action in _texts(statement.get("Action"))}


def _document(text: str) -> JsonObject:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _body(response: JsonObject) -> JsonObject:
    return response


def _object(value: JsonObject | None, name: str) -> JsonObject:
    found = (value or {}).get(name)
    return found if isinstance(found, dict) else {}


def _objects(value: JsonObject, name: str) -> list[JsonObject]:
    found = value.get(name)
    return [each for each in (found if isinstance(found, list) else [found]) if isinstance(each, dict)]


def _text(value: JsonObject, name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _texts(value: JsonValue) -> list[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
