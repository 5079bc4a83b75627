"""What the ICE SDK raises, told in our own errors.

The class the SDK chooses says little: `Throttling.User` is a ClientException, and a gateway's page, a reset and a
timeout are all UnretryableException. So the code decides, by its prefix; then the HTTP status; then what broke.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from ice_result.errors import (
    CLOCK_SKEW,
    KEYS_EXPIRED,
    ClockSkewError,
    ForbiddenError,
    IceResultError,
    KeysExpiredError,
    NotFoundError,
    RejectedError,
    Rule,
    ServiceError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
    first_rule,
)

SERVICE = "ICE"


# The first that fits counts. Codes of Alibaba Cloud's gateway are documented; those of ICE were seen in the field.
_RULES = (
    Rule("Throttling|FlowControl", ThrottledError),
    Rule(
        "(InvalidParameter\\.)?(\\w+\\.)*JobNotFound", NotFoundError, "the id is wrong, or the job is of another region"
    ),
    Rule("SignatureNonceUsed", UnavailableError, "the request came twice; another try is signed anew"),
    # The service's own words for these two hold the text that was signed, and with it the security token.
    Rule("SignatureDoesNotMatch|IncompleteSignature", ForbiddenError, "the secret is not that of the access key"),
    Rule("InvalidTimeStamp\\.Expired", ClockSkewError, CLOCK_SKEW),
    Rule("InvalidSecurityToken(\\.Expired)?$", KeysExpiredError, KEYS_EXPIRED),
    Rule("InvalidSecurityToken|MissingSecurityToken", ForbiddenError, "the temporary keys do not match"),
    Rule("(Invalid|Missing)AccessKeyId|InvalidCredentials", ForbiddenError, "no such access key, or it is disabled"),
    Rule("Forbidden\\.SubscriptionRequired", ForbiddenError, "ICE is not activated for this account"),
    Rule("Forbidden|NoPermission|Unauthorized|AccessDenied", ForbiddenError),
    Rule("ServiceUnavailable|InternalError|SystemBusy|InternalServerError", UnavailableError),
    Rule("Idempotent|Invalid|Missing|Unsupported|ParameterMissing", RejectedError),
)
_UNAUTHORIZED = (401, 403)
_TOO_MANY_REQUESTS = 429
_CLIENT_ERRORS = range(400, 500)


def translate(error: BaseException, operation: str) -> IceResultError:
    """Our error for what a call through the SDK raised; one of ours within it comes out as it was."""
    links = list(_links(error))
    ours = next((link for link in links if isinstance(link, IceResultError)), None)
    if ours is not None:
        return ours
    answer = next((link for link in links if _status(link) or _text(link, "code")), None)
    return _of_answer(answer, operation) if answer is not None else _of_connection(links, operation)


def _links(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what is behind it; the SDK keeps the original in an attribute, or in the context only."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        inner = getattr(error, "inner_exception", None)
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__


def _of_answer(answer: BaseException, operation: str) -> ServiceError:
    code, status = _text(answer, "code"), _status(answer)
    rule = first_rule(_RULES, code)
    waited = getattr(answer, "retry_after", None)
    return (rule.kind if rule else _kind_by_status(status, told_to_wait=waited is not None))(
        operation,
        service=SERVICE,
        code=code,
        status=status,
        detail=(rule.advice if rule else "") or _message(answer),
        request_id=_text(answer, "request_id"),
        # Milliseconds [read in the SDK, which sleeps for as long].
        retry_after_seconds=waited / 1000 if isinstance(waited, (int, float)) else None,
    )


def _kind_by_status(status: int | None, *, told_to_wait: bool) -> type[ServiceError]:
    if status == _TOO_MANY_REQUESTS or told_to_wait:
        return ThrottledError
    if status in _UNAUTHORIZED:
        return ForbiddenError
    return RejectedError if status in _CLIENT_ERRORS else UnavailableError


def _of_connection(links: list[BaseException], operation: str) -> ServiceError:
    """No answer at all, or not one of the service: where the network broke, or else the words of the SDK."""
    kind, advice = _kind_by_class(links)
    broken = next((link for link in reversed(links) if isinstance(link, OSError)), None)
    found = f"{type(broken).__name__}: {broken}" if broken else f"the SDK cannot make sense of the reply: {links[0]}"
    return kind(operation, service=SERVICE, detail=advice or found)


def _kind_by_class(links: list[BaseException]) -> tuple[type[ServiceError], str]:
    import requests  # noqa: PLC0415  the SDK's transport, loaded with it
    import urllib3  # noqa: PLC0415  as above
    from alibabacloud_credentials.exceptions import CredentialException  # noqa: PLC0415  as above
    from Tea.exceptions import RequiredArgumentException, ValidateException  # noqa: PLC0415  as above

    from ice_result.core.http_transport import UnsendableError  # noqa: PLC0415  as above

    never_sent = (
        *(requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema),
        *(requests.exceptions.InvalidHeader, urllib3.exceptions.LocationValueError, UnicodeEncodeError),
        *(RequiredArgumentException, ValidateException, UnsendableError),
    )
    for link in links:
        if isinstance(link, CredentialException):
            return ForbiddenError, "no credentials to sign with"
        if isinstance(link, ssl.SSLCertVerificationError):
            return RejectedError, f"the server's certificate is not trusted: {link}"
        if isinstance(link, requests.TooManyRedirects):
            return RejectedError, "redirected, which is not followed: check the endpoint"
        if isinstance(link, never_sent):  # its text could show a header
            return RejectedError, f"no such request can be sent ({type(link).__name__}): check endpoint and keys"
    timed_out = any(isinstance(link, (TimeoutError, requests.Timeout)) for link in links)
    return (TimedOutError if timed_out else UnavailableError), ""


def _status(error: BaseException) -> int | None:
    status = getattr(error, "status_code", None) or getattr(error, "statusCode", None)
    return status if isinstance(status, int) else None


def _message(error: BaseException) -> str:
    """The service's own words, from the body; the SDK's `message` has the status and request id around them."""
    body = getattr(error, "data", None)
    words = body.get("Message") if isinstance(body, dict) else None
    return words if isinstance(words, str) else _text(error, "message")


def _text(error: BaseException, name: str) -> str:
    """A text of the SDK's, which writes "None" for what the answer did not have."""
    value = getattr(error, name, None)
    return value if isinstance(value, str) and value != "None" else ""
