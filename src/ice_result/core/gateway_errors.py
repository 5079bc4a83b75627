"""Errors of the API gateway, and of the SDK that calls it.

The class that the SDK chooses says little: `Throttling.User` is a ClientException, and a gateway's page, a reset and a
timeout are all UnretryableException. So the code decides, by its prefix; then the HTTP status; then what broke.
"""

from __future__ import annotations

from collections.abc import Sequence

from ice_result import errors
from ice_result.core.sdk_errors import NEVER_SENT, ErrorTable, Rule, SdkFailure, attribute, classify, links

GATEWAY_RULES = (
    Rule("Throttling|FlowControl", errors.ThrottledError),
    Rule(
        "SignatureNonceUsed",
        errors.UnavailableError,
        "the service got this request twice; the next attempt has a new signature",
    ),
    # The service's own words for these two contain the text that was signed, and with it the security token.
    Rule(
        "SignatureDoesNotMatch|IncompleteSignature",
        errors.KeysRefusedError,
        "the AccessKey secret does not belong to the AccessKey ID",
    ),
    Rule(r"InvalidTimeStamp\.Expired", errors.ClockSkewError),
    Rule(r"InvalidSecurityToken(\.Expired)?$", errors.KeysExpiredError),
    Rule("InvalidSecurityToken|MissingSecurityToken", errors.KeysRefusedError, "the temporary keys do not match"),
    Rule(
        "(Invalid|Missing)AccessKeyId|InvalidCredentials",
        errors.KeysRefusedError,
        "no such access key, or it is disabled",
    ),
    Rule("Forbidden|NoPermission|Unauthorized|AccessDenied", errors.ForbiddenError),
    Rule("ServiceUnavailable|InternalError|SystemBusy|InternalServerError", errors.UnavailableError),
    Rule("Idempotent|Invalid|Missing|Unsupported|ParameterMissing", errors.RejectedError),
    Rule("", errors.ThrottledError, told_to_wait=True),
)
"""Rules for the codes that all services behind the gateway have in common [documented]."""
_CLASSES = (
    Rule("CredentialException", errors.KeysRefusedError, "no credentials to sign with"),
    Rule("RequiredArgumentException|ValidateException", errors.RejectedError, NEVER_SENT),
)


def gateway_errors(service: str, *own: Rule) -> ErrorTable:
    """Make the table of a service: its own rules, and then those of the gateway."""
    return ErrorTable(service, (*own, *GATEWAY_RULES), _CLASSES)


def translate(error: BaseException, operation: str, table: ErrorTable) -> errors.IceResultError:
    """Return our error for what a call through the SDK raised; one of ours within it comes out unchanged."""
    chain = list(links(error))
    innermost = chain[-1]
    return innermost if isinstance(innermost, errors.IceResultError) else classify(_failure(chain), table, operation)


def _failure(chain: Sequence[BaseException]) -> SdkFailure:
    answer = next((link for link in chain if _status(link) or _text(link, "code")), None)
    if answer is None:
        broken = next((link for link in reversed(chain) if isinstance(link, OSError)), None)
        shown = f"{type(broken).__name__}: {broken}" if broken else str(chain[0])
        return SdkFailure(message=shown, cause=chain[0], unreadable=broken is None)
    # The SDK's `message` has the status and the request id around the service's own words.
    words = attribute(answer, "data", dict[str, object]()).get("Message")
    milliseconds = attribute(answer, "retry_after", 0)  # [read in the SDK, which sleeps for as long]
    return SdkFailure(
        code=_text(answer, "code"),
        status=_status(answer),
        message=words if isinstance(words, str) else _text(answer, "message"),
        request_id=_text(answer, "request_id"),
        retry_after_seconds=milliseconds / 1000 if milliseconds else None,
    )


def _status(error: BaseException) -> int | None:
    return attribute(error, "status_code", 0) or attribute(error, "statusCode", 0) or None


def _text(error: BaseException, name: str) -> str:
    """Return a text of the SDK's, which writes "None" for what the answer did not have."""
    value = attribute(error, name, "")
    return "" if value == "None" else value
