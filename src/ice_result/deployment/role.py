"""The function's role: who may assume it, its policy, and that the policy is attached."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial

from ice_result.core.json_text import dump
from ice_result.core.types import JsonObject, JsonValue
from ice_result.deployment.clients import RamClient
from ice_result.deployment.names import other_owner
from ice_result.deployment.steps import Change, InUseError, Step, allowed
from ice_result.errors import NotFoundError

_MOST_VERSIONS = 5  # of one policy [documented]
_ROTATE = "DeleteOldestNonDefaultVersionWhenLimitExceeded"


class Role:
    """A role and its policy of the same name, in RAM. `mark` is the description of what setup makes.

    RAM knows no regions: two deployments of an account need two names.
    """

    def __init__(self, client: RamClient, name: str, mark: str) -> None:
        self._client = client
        self._name = name
        self._mark = mark

    def set_up(self, trust: JsonObject, policy: JsonObject) -> Iterator[Step]:
        """Yield the steps: the role with its trust, the policy with its document, and the attachment.

        Raises InUseError for what is another deployment's, or would change what others may do.
        """
        yield self._role_step(trust)
        name, attached = self._name, self._name in self._attached()
        yield self._policy_step(policy, is_attached=attached)
        attach = {"PolicyType": "Custom", "PolicyName": name, "RoleName": name}
        changes = () if attached else (self._change("AttachPolicyToRole", attach),)
        yield Step(f"policy {name} on role {name}", "exists" if attached else "missing", changes)

    def take_down(self) -> Iterator[Step]:
        """Yield the steps that remove what setup made: first the attachment, then the policy, then the role."""
        name = self._name
        role, policy = _object(self._find("GetRole", {"RoleName": name}), "Role"), self._found_policy()
        attached = self._attached() if role else []
        if name in attached and (self._is_ours(role) or self._is_ours(policy)):
            detach = {"PolicyType": "Custom", "PolicyName": name, "RoleName": name}
            yield Step(f"policy {name} on role {name}", "exists", (self._change("DetachPolicyFromRole", detach),))
        if policy:
            yield self._policy_removal(policy, is_attached=name in attached)
        if role:
            yield self._role_removal(role, [other for other in attached if other != name])

    def _policy_removal(self, policy: JsonObject, *, is_attached: bool) -> Step:
        thing = f"policy {self._name}"
        if not self._is_ours(policy):
            return Step(thing, "kept", note=_NOT_OURS)
        if others := _attachments(policy) - is_attached:
            return Step(thing, "blocked", note=f"attached to others as well: {others}")
        versions = [
            self._change("DeletePolicyVersion", {"PolicyName": self._name, "VersionId": version})
            for version, is_default in self._versions()
            if not is_default
        ]
        return Step(thing, "exists", (*versions, self._change("DeletePolicy", {"PolicyName": self._name})))

    def _role_removal(self, role: JsonObject, other_policies: Sequence[str]) -> Step:
        thing = f"role {self._name}"
        if not self._is_ours(role):
            return Step(thing, "kept", note=_NOT_OURS)
        if other_policies:
            return Step(thing, "blocked", note=f"other policies are attached to it: {', '.join(other_policies)}")
        return Step(thing, "exists", (self._change("DeleteRole", {"RoleName": self._name}),))

    def _role_step(self, trust: JsonObject) -> Step:
        thing, found = f"role {self._name}", _object(self._find("GetRole", {"RoleName": self._name}), "Role")
        if not found:
            made = {
                "RoleName": self._name,
                "AssumeRolePolicyDocument": dump(trust),
                "Description": self._mark,
            }
            return Step(thing, "missing", (self._change("CreateRole", made),))
        self._check_owner(found)
        present = _document(_text(found, "AssumeRolePolicyDocument"))
        if present is None:
            raise InUseError(
                "its trust policy is not a JSON object: correct it in the RAM console, or choose another DEPLOY_ROLE"
            )
        wanted = _merged(present, trust)
        if wanted == present:
            return Step(thing, "exists")
        changed = {"RoleName": self._name, "NewAssumeRolePolicyDocument": dump(wanted)}
        return Step(thing, "differs", (self._change("UpdateRole", changed),), "Function Compute may not assume it")

    def _policy_step(self, document: JsonObject, *, is_attached: bool) -> Step:
        thing, found = f"policy {self._name}", self._found_policy()
        if not found:
            made = {"PolicyName": self._name, "PolicyDocument": dump(document), "Description": self._mark}
            return Step(thing, "missing", (self._change("CreatePolicy", made),))
        self._check_owner(found)
        present = _document(_text(_object(found, _DEFAULT), "PolicyDocument")) or {}
        if _normalised(present) == _normalised(document):
            return Step(thing, "exists")
        if others := _attachments(found) - is_attached:
            raise InUseError(
                f"other users, groups or roles have this policy ({others}), and their permissions would change: "
                "choose another DEPLOY_ROLE"
            )
        newer = {
            "PolicyName": self._name,
            "PolicyDocument": dump(document),
            "SetAsDefault": "true",
            "RotateStrategy": _ROTATE,
        }
        notes = [*_differences(present, document)]
        if len(self._versions()) >= _MOST_VERSIONS:
            notes.append("the oldest version that is not in use is removed")
        return Step(thing, "differs", (self._change("CreatePolicyVersion", newer),), "; ".join(notes))

    def _check_owner(self, found: JsonObject) -> None:
        """Raise InUseError for what setup has made for another function or region."""
        if owner := other_owner(_text(found, "Description"), self._mark):
            raise InUseError(f"it was made for {owner}: choose another name, with DEPLOY_ROLE")

    def _is_ours(self, found: JsonObject) -> bool:
        return _text(found, "Description") == self._mark

    @property
    def _policy(self) -> dict[str, str]:
        return {"PolicyType": "Custom", "PolicyName": self._name}

    def _find(self, action: str, query: dict[str, str]) -> JsonObject | None:
        try:
            return allowed(f"ram:{action}", partial(self._client.call, action, query, about=self._name, read=_body))
        except NotFoundError:
            return None

    def _found_policy(self) -> JsonObject:
        """Return the policy, with its default version in it; an empty object when it is not there."""
        found = self._find("GetPolicy", self._policy)
        return {**_object(found, "Policy"), _DEFAULT: _object(found, _DEFAULT)} if found else {}

    def _attached(self) -> list[str]:
        """Return the names of the policies on the role; none for a role that is not there."""
        found = self._find("ListPoliciesForRole", {"RoleName": self._name})
        return [_text(policy, "PolicyName") for policy in _objects(_object(found, "Policies"), "Policy")]

    def _versions(self) -> list[tuple[str, bool]]:
        """Return the identifiers of all versions, and which is the default."""
        found = self._find("ListPolicyVersions", self._policy)
        versions = _objects(_object(found, "PolicyVersions"), "PolicyVersion")
        return [(_text(version, "VersionId"), version.get("IsDefaultVersion") is True) for version in versions]

    def _change(self, action: str, query: dict[str, str]) -> Change:
        shown = " ".join(f"{name}={text}" for name, text in query.items() if name not in _LONG)
        make = partial(self._client.call, action, query, about=self._name, read=_body)
        return Change(f"ram:{action}", f"{action} {shown}", make)


_NOT_OURS = "setup did not make it for this function"
_DEFAULT = "DefaultPolicyVersion"
_LISTS = ("Action", "Resource")
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
    """Yield the actions that two policies do not allow alike."""
    there, needed = _allowances(present), _allowances(wanted)
    if lacking := sorted(needed.keys() - there.keys()):
        yield f"adds {', '.join(lacking)}"
    if more := sorted(there.keys() - needed.keys()):
        yield f"removes {', '.join(more)}"
    if other := sorted(action for action in there.keys() & needed.keys() if there[action] != needed[action]):
        yield f"changes the resources or conditions of {', '.join(other)}"


def _allowances(document: JsonObject) -> dict[str, list[str]]:
    """Return each action with the statements that name it, without their actions."""
    found: dict[str, list[str]] = {}
    for statement in sorted(_normalised(document)):
        rest: JsonObject = json.loads(statement)
        for action in _texts(rest.pop("Action", None)):
            found.setdefault(action, []).append(dump(rest))
    return found


def _document(text: str) -> JsonObject | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _normalised(document: JsonObject) -> list[str]:
    """Return the statements in one order and form, however they were written."""
    statements: list[JsonObject] = [
        {name: [*sorted(_texts(value))] if name in _LISTS else value for name, value in statement.items()}
        for statement in _objects(document, "Statement")
    ]
    return sorted(dump(statement) for statement in statements)


def _attachments(policy: JsonObject) -> int:
    count = policy.get("AttachmentCount")
    return count if isinstance(count, int) else 0


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
