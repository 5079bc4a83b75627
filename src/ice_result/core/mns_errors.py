"""Errors of MNS, and of the SDK that calls it.

The SDK's exceptions are known by attributes [read in the source of aliyun-mns-sdk 1.3]. `type` is the service's code,
or the SDK's own word for what broke; what the connection raised is in the context only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from ice_result import errors
from ice_result.core.sdk_errors import NEVER_SENT, UNREADABLE, ErrorTable, Rule, SdkFailure, attribute, classify

SERVICE = "MNS"
# All are documented but TimeExpired and those of security tokens, which are inferred.
_TABLE = ErrorTable(
    SERVICE,
    rules=(
        Rule("TooManyRequests|Throttling", errors.ThrottledError),
        Rule("QueueNotExist", errors.NotFoundError, "no such queue in this account and region"),
        Rule("TopicNotExist", errors.NotFoundError, "no such topic in this account and region"),
        Rule(
            "SignatureDoesNotMatch", errors.KeysRefusedError, "the AccessKey secret does not belong to the AccessKey ID"
        ),
        Rule("InvalidAccessKeyId", errors.KeysRefusedError, "no such access key, or it is disabled"),
        Rule("SecurityTokenExpired|InvalidSecurityToken", errors.KeysExpiredError),
        Rule(r"(\w*)SecurityToken", errors.KeysRefusedError, "the temporary keys do not match"),
        Rule("TimeExpired", errors.ClockSkewError),
        Rule("AccessDenied|(Missing|Invalid)AuthorizationHeader", errors.ForbiddenError),
        Rule("Internal(Server)?Error|ServiceUnavailable", errors.UnavailableError),
        Rule("InvalidDegist", errors.UnavailableError, "what arrived is not what was sent"),  # spelled so by MNS
        Rule("", errors.RejectedError, statuses=(None,)),  # a message of a batch
    ),
    classes=(Rule("MNSExceptionBase", errors.RejectedError, NEVER_SENT),),  # one of the SDK's own checks
)

Failures: TypeAlias = Mapping[int, SdkFailure]
"""Reasons why MNS did not take some messages of a batch, by position in the batch."""


def refused_parts(error: Exception, count: int) -> Failures | None:
    """Return which messages of a batch of `count` were refused, and why; None when the error is not of that kind.

    The SDK hands over what became of each message, in the order they were sent.
    """
    outcomes = getattr(error, "sub_errors", None)
    if not isinstance(outcomes, list) or len(outcomes) != count:
        return None
    return {
        position: SdkFailure(code=str(outcome["ErrorCode"]), message=str(outcome.get("ErrorMessage", "")))
        for position, outcome in enumerate(outcomes)
        if "ErrorCode" in outcome
    }


def no_message(error: Exception) -> Literal[True] | None:
    """Return True for the answer that no message is there to be taken [documented]; None for any other error."""
    return True if getattr(error, "type", None) == "MessageNotExist" else None


def partial(refused: Failures, operation: str) -> errors.ServiceError:
    """Return the error of a batch of which these were refused: a transient one when one of them may succeed later."""
    found = [
        classify(failure._replace(message=f"{len(refused)} refused: {failure.message}"), _TABLE, operation)
        for failure in refused.values()
    ]
    return next((error for error in found if error.transient), found[0])


def translate(error: Exception, operation: str, status: int) -> Exception:
    """Return our error for what a call through the SDK raised; one of ours, or a defect, comes out unchanged.

    `status` is the HTTP status, or negative without a reply.
    """
    code = getattr(error, "type", None)
    is_failure = isinstance(code, str) or isinstance(error, (ValueError, LookupError))
    if isinstance(error, errors.IceResultError) or not is_failure:
        return error
    if hasattr(error, "host_id"):
        failure = SdkFailure(str(code), status, attribute(error, "message", ""), attribute(error, "req_id", ""))
    elif status > 0:  # not a reply of MNS: a gateway's page, or the answer of something else
        failure = SdkFailure(status=status, message=UNREADABLE)
    else:
        failure = SdkFailure(cause=error.__context__ or error)
    return classify(failure, _TABLE, operation)
