"""OSS's signatures in the Authorization header and in presigned URLs: V4 (OSS4-HMAC-SHA256), and the older V1.

Checked against oss2's own signers. Statuses, codes and EC numbers are documented or seen in the field unless a line
says inferred.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import quote

from alicloud_local.http_server import Request
from alicloud_local.service import Keyring, RefusedError, read_time

SUBRESOURCES = {
    *("acl", "append", "asyncFetch", "bucketInfo", "callback", "callback-var", "cname", "comp", "continuation-token"),
    *("cors", "delete", "encryption", "endTime", "img", "inventory", "inventoryId", "lifecycle", "live", "location"),
    *("logging", "objectMeta", "partNumber", "policy", "position", "qos", "qosInfo", "referer", "regionList"),
    *("replication", "replicationLocation", "replicationProgress", "requestPayment", "resourceGroup"),
    *("response-cache-control", "response-content-disposition", "response-content-encoding"),
    *("response-content-language", "response-content-type", "response-expires", "restore", "security-token"),
    *("sequential", "startTime", "stat", "status", "style", "styleName", "symlink", "tagging"),
    *("transferAcceleration", "uploadId", "uploads", "versionId", "versioning", "versions", "vod", "website", "worm"),
    *("wormExtend", "wormId", "x-oss-async-process", "x-oss-process", "x-oss-request-payer", "x-oss-traffic-limit"),
}
"""The parameters that V1 signs (documented), which are those that decide what a request means."""

_ALGORITHM = "OSS4-HMAC-SHA256"
_SKEW_SECONDS = 15 * 60
_LONGEST_EXPIRY_SECONDS = 7 * 24 * 3600
_FIELD = re.compile(r"(\w+)\s*=\s*([^,\s]*)")
_ALWAYS_SIGNED = ("content-type", "content-md5")


class _Claim(NamedTuple):
    """The fields of a V4 signature, from the header or from the query."""

    key_id: str
    date: str
    region: str
    moment: str
    additional_headers: tuple[str, ...]
    signature: str
    token: str
    expires_seconds: int | None = None


class OssVerifier:
    """Verifies requests to the OSS of one region."""

    def __init__(self, keyring: Keyring, clock: Callable[[], float], region: str, *, accepts_v1: bool) -> None:
        self._keyring = keyring
        self._clock = clock
        self._region = region
        self._accepts_v1 = accepts_v1

    def verify(self, request: Request, bucket: str, key: str) -> bool:
        """Check the signature of a request; False for one that bears none.

        Raises RefusedError unless it is made with accepted keys, for this region, and is recent.
        """
        authorization = request.headers.get("authorization", "")
        parameters = request.parameters
        if authorization.startswith(f"{_ALGORITHM} "):
            self._verify_v4(request, bucket, key, _claim_in_header(request, authorization))
        elif parameters.get("x-oss-signature-version") == _ALGORITHM:
            self._verify_v4(request, bucket, key, _claim_in_query(request))
        elif authorization.startswith("OSS ") and self._accepts_v1:
            key_id, _, signature = authorization[4:].partition(":")
            token = request.headers.get("x-oss-security-token", "")
            moment = request.headers.get("x-oss-date") or request.headers.get("date", "")
            self._verify_v1(request, bucket, key, (key_id, signature, token, moment))
        elif "OSSAccessKeyId" in parameters and self._accepts_v1:
            names = ("OSSAccessKeyId", "Signature", "security-token", "Expires")
            key_id, signature, token, expires = (parameters.get(name, "") for name in names)
            self._verify_v1(request, bucket, key, (key_id, signature, token, expires))
        elif authorization.startswith(("OSS ", "OSS2 ")) or "OSSAccessKeyId" in parameters:
            # 403 and EC are documented for accounts that V1 is closed to; code and message are inferred.
            raise RefusedError(
                403, "AccessDenied", "This signature version is not supported. Use V4.", {"EC": "0002-00000080"}
            )
        elif authorization:
            raise RefusedError(400, "InvalidArgument", "Authorization header is invalid.")
        else:
            return False
        return True

    def _verify_v4(self, request: Request, bucket: str, key: str, claim: _Claim) -> None:
        secret = self._secret(claim.key_id, claim.token)
        if claim.region != self._region:
            message = "The signing region in credential is invalid."  # of presigned URLs, from the SDK's own tests
            if claim.expires_seconds is None:
                message = "Invalid signing region in Authorization header."
            raise RefusedError(400, "InvalidArgument", message, {"EC": "0002-00000226"})
        moment = read_time(claim.moment, "%Y%m%dT%H%M%SZ")
        if moment is None:
            raise RefusedError(403, "AccessDenied", "OSS authentication requires a valid Date.")
        if not claim.moment.startswith(claim.date):  # wording inferred
            raise RefusedError(400, "InvalidArgument", "The date in Credential does not match x-oss-date.")
        age = self._clock() - moment
        if claim.expires_seconds is None:
            _check_skew(age)
        elif age > claim.expires_seconds or age < -_SKEW_SECONDS:
            raise RefusedError(403, "AccessDenied", "Request has expired.")  # inferred from the other signatures
        _compare(_signature_v4(request, bucket, key, claim, secret), claim.signature)

    def _verify_v1(self, request: Request, bucket: str, key: str, claim: tuple[str, str, str, str]) -> None:
        """Verify (key id, signature, token, Date or Expires)."""
        key_id, signature, token, moment = claim
        secret = self._secret(key_id, token)
        if moment.isdecimal():
            if self._clock() > int(moment):
                raise RefusedError(403, "AccessDenied", "Request has expired.")
        else:
            sent = _time_of_v1(moment)
            if sent is None:
                raise RefusedError(403, "AccessDenied", "OSS authentication requires a valid Date.")
            _check_skew(self._clock() - sent)
        _compare(_signature_v1(request, bucket, key, moment, secret), signature)

    def _secret(self, key_id: str, token: str) -> str:
        secret = self._keyring.secrets.get(key_id)
        needed = self._keyring.tokens.get(key_id, "")
        if secret is None or (needed and not token):  # inferred: a temporary key without its token is not valid
            raise RefusedError(
                403, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist in our records."
            )
        if token != needed:  # documented as an error of its own; its code is inferred
            raise RefusedError(403, "InvalidSecurityToken", "The security token you provided is invalid.")
        return secret


def _claim_in_header(request: Request, authorization: str) -> _Claim:
    fields = dict(_FIELD.findall(authorization, len(_ALGORITHM)))
    key_id, date, region = _credential(fields.get("Credential", ""))
    return _Claim(
        key_id,
        date,
        region,
        request.headers.get("x-oss-date", ""),
        _header_names(fields.get("AdditionalHeaders", "")),
        fields.get("Signature", ""),
        request.headers.get("x-oss-security-token", ""),
    )


def _claim_in_query(request: Request) -> _Claim:
    parameters = request.parameters
    key_id, date, region = _credential(parameters.get("x-oss-credential", ""))
    expires = parameters.get("x-oss-expires", "")
    if not expires.isdecimal() or not 1 <= int(expires) <= _LONGEST_EXPIRY_SECONDS:
        raise RefusedError(400, "InvalidArgument", "x-oss-expires must be between 1 and 604800.")  # wording inferred
    return _Claim(
        key_id,
        date,
        region,
        parameters.get("x-oss-date", ""),
        _header_names(parameters.get("x-oss-additional-headers", "")),
        parameters.get("x-oss-signature", ""),
        parameters.get("x-oss-security-token", ""),
        int(expires),
    )


def _credential(text: str) -> tuple[str, str, str]:
    """Return key id, date and region of `<key id>/<date>/<region>/oss/aliyun_v4_request`."""
    parts = text.split("/")
    if len(parts) != 5 or parts[3:] != ["oss", "aliyun_v4_request"]:  # noqa: PLR2004  the five parts named above
        raise RefusedError(400, "InvalidArgument", "The Credential is invalid.", {"EC": "0002-00000213"})
    return parts[0], parts[1], parts[2]


def _header_names(text: str) -> tuple[str, ...]:
    return tuple(sorted(name.strip().lower() for name in text.split(";") if name.strip()))


def _check_skew(age_seconds: float) -> None:
    if abs(age_seconds) > _SKEW_SECONDS:
        raise RefusedError(
            403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."
        )


def _compare(expected: str, sent: str) -> None:
    if not hmac.compare_digest(expected.encode(), sent.encode()):
        raise RefusedError(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
        )


def _signature_v4(request: Request, bucket: str, key: str, claim: _Claim, secret: str) -> str:
    signed = {*_ALWAYS_SIGNED, *claim.additional_headers}
    headers = sorted(item for item in request.headers.items() if item[0] in signed or item[0].startswith("x-oss-"))
    query = sorted(
        (quote(name, safe="~"), quote(value, safe="~"))
        for name, value in request.parameters.items()
        if name != "x-oss-signature"
    )
    canonical_request = "\n".join(
        (
            request.method,
            quote(f"/{bucket}/{key}" if bucket else "/", safe="/~"),
            "&".join(f"{name}={value}" if value else name for name, value in query),
            "".join(f"{name}:{value}\n" for name, value in headers),
            ";".join(claim.additional_headers),
            request.headers.get("x-oss-content-sha256", "UNSIGNED-PAYLOAD"),
        )
    )
    digest = hashlib.sha256(canonical_request.encode("latin-1")).hexdigest()
    to_sign = f"{_ALGORITHM}\n{claim.moment}\n{claim.date}/{claim.region}/oss/aliyun_v4_request\n{digest}"
    return hmac.digest(_signing_key(secret, claim.date, claim.region), to_sign.encode(), "sha256").hex()


@functools.lru_cache
def _signing_key(secret: str, date: str, region: str) -> bytes:
    key = f"aliyun_v4{secret}".encode()
    for part in (date, region, "oss", "aliyun_v4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _signature_v1(request: Request, bucket: str, key: str, moment: str, secret: str) -> str:
    headers = sorted(item for item in request.headers.items() if item[0].startswith("x-oss-"))
    query = sorted(item for item in request.parameters.items() if item[0] in SUBRESOURCES)
    resource = f"/{bucket}/{key}" if bucket else "/"
    if query:
        resource += "?" + "&".join(f"{name}={value}" if value else name for name, value in query)
    to_sign = "\n".join(
        (
            request.method,
            request.headers.get("content-md5", ""),
            request.headers.get("content-type", ""),
            moment,
            *(f"{name}:{value}" for name, value in headers),
            "",
        )
    )
    signed = to_sign.encode("latin-1") + resource.encode()  # headers were read as Latin-1, the key is UTF-8
    return base64.b64encode(hmac.digest(secret.encode(), signed, "sha1")).decode()


def _time_of_v1(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None
