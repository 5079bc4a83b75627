"""STS's operation on identities. Its fields are documented."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from alicloud_local.rpc.messages import JsonObject
from alicloud_local.service import ACCOUNT_ID

_USER_ID = "216959339000654321"


def get_caller_identity() -> JsonObject:
    """Tell whose keys the request is signed with: there is one user in the account."""
    return {
        "IdentityType": "RAMUser",
        "AccountId": ACCOUNT_ID,
        "UserId": _USER_ID,
        "PrincipalId": _USER_ID,
        "Arn": f"acs:ram::{ACCOUNT_ID}:user/ice-result",
    }


OPERATIONS: Mapping[str, Callable[[], JsonObject]] = {"GetCallerIdentity": get_caller_identity}
