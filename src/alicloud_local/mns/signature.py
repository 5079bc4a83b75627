"""The signature of MNS requests (API version 2015-06-06): HMAC-SHA1 over the request, in the header Authorization.

The form is documented and checked against the SDK's own signer. Neither says that a security token is signed, and the
SDK does not sign it. Codes and messages are documented, but for TimeExpired's and those of tokens and of versions,
which are inferred, as is which one comes first where a request has several faults.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from alicloud_local.http_server import Request
from alicloud_local.service import Keyring, RefusedError

API_VERSION = "2015-06-06"
_AUTHORIZATION = re.compile(r"MNS (?P<key_id>[^:\s]+):(?P<signature>[A-Za-z0-9+/=]+)")
_SKEW_SECONDS = 15 * 60


class MnsVerifier:
    """Verifies requests."""

    def __init__(self, keyring: Keyring, clock: Callable[[], float]) -> None:
        self._keyring = keyring
        self._clock = clock

    def verify(self, request: Request) -> None:
        """Check a request. Raises RefusedError unless it is signed with accepted keys, is recent and is whole."""
        authorization = request.headers.get("authorization", "")
        if not authorization:
            raise RefusedError(400, "MissingAuthorizationHeader", "Authorization header is required.")
        match = _AUTHORIZATION.fullmatch(authorization)
        if match is None:
            raise RefusedError(400, "InvalidAuthorizationHeader", "The Authorization header format is invalid.")
        if request.headers.get("x-mns-version") != API_VERSION:
            raise RefusedError(400, "InvalidArgument", f"The value of x-mns-version must be {API_VERSION}.")
        secret = self._keyring.secrets.get(match["key_id"])
        if secret is None:
            raise RefusedError(403, "InvalidAccessKeyId", "The AccessKey Id you provided is not exist.")
        self._verify_date(_date(request))
        if request.headers.get("security-token", "") != self._keyring.tokens.get(match["key_id"], ""):
            raise RefusedError(403, "InvalidSecurityToken", "The security token you provided is invalid.")
        if not hmac.compare_digest(signature(request, secret), match["signature"]):
            raise RefusedError(403, "SignatureDoesNotMatch", "The signature does not match the one we calculated.")
        _verify_digest(request)

    def _verify_date(self, text: str) -> None:
        if not text:
            raise RefusedError(400, "MissingDateHeader", "Date header is required.")
        try:
            sent = parsedate_to_datetime(text).timestamp()
        except ValueError:
            raise RefusedError(400, "InvalidDateHeader", "The Date header format is invalid.") from None
        if abs(self._clock() - sent) > _SKEW_SECONDS:
            raise RefusedError(408, "TimeExpired", "The http request you sent is expired.")


def signature(request: Request, secret: str) -> str:
    """Compute the signature of a request, in base64."""
    headers = request.headers
    to_sign = "\n".join(
        (
            request.method,
            headers.get("content-md5", ""),
            headers.get("content-type", ""),
            _date(request),
            *(f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-mns-")),
            f"{request.path}?{request.query}" if request.query else request.path,
        )
    )
    return base64.b64encode(hmac.digest(secret.encode(), to_sign.encode(), "sha1")).decode()


def _date(request: Request) -> str:
    return request.headers.get("x-mns-date") or request.headers.get("date", "")


def _verify_digest(request: Request) -> None:
    """Check Content-MD5, if it is sent.

    It is base64 of the digest, as documented, or of its hexadecimal form, as the SDK sends it.
    """
    sent = request.headers.get("content-md5")
    digest = hashlib.md5(request.body, usedforsecurity=False)
    known = {base64.b64encode(digest.digest()).decode(), base64.b64encode(digest.hexdigest().encode()).decode()}
    if sent is not None and sent not in known:
        raise RefusedError(400, "InvalidDegist", "The Content-MD5 you specified is invalid.")  # spelled so by MNS
