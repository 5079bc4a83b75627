"""OSS4-HMAC-SHA256, OSS's signature V4, in the Authorization header and in presigned URLs.

Checked against oss2's own signer. Statuses, codes and EC numbers are documented or seen in the field unless a line
says inferred.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timezone
from typing import NamedTuple
from urllib.parse import quote

from alicloud_local.service import Keyring, RefusedError
from alicloud_local.wire import Request

_ALGORITHM = "OSS4-HMAC-SHA256"
_SKEW_SECONDS = 15 * 60
_LONGEST_EXPIRY_SECONDS = 7 * 24 * 3600
_ALWAYS_SIGNED = ("content-type", "content-md5")


class _Claim(NamedTuple):
    """What a request says about its own signature."""

    key_id: str
    date: str
    region: str
    moment: str
    additional_headers: tuple[str, ...]
    signature: str
    token: str
    expires_seconds: int | None = None


class Oss4Verifier:
    """Verifies requests to the OSS of one region."""

    def __init__(self, keyring: Keyring, clock: Callable[[], float], region: str) -> None:
        self._keyring = keyring
        self._clock = clock
        self._region = region

    def verify(self, request: Request, bucket: str, key: str) -> None:
        """Raises RefusedError unless the request is signed with accepted keys, for this region, and not too old."""
        claim = _claim(request)
        secret = self._keyring.secrets.get(claim.key_id)
        if secret is None:
            raise RefusedError(
                403, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist in our records."
            )
        self._verify_token(claim)
        if claim.region != self._region:
            raise RefusedError(
                400, "InvalidArgument", "Invalid signing region in Authorization header.", {"EC": "0002-00000226"}
            )
        self._verify_moment(claim)
        if not hmac.compare_digest(_signature(request, bucket, key, claim, secret), claim.signature):
            raise RefusedError(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. "
                "Check your key and signing method.",
            )

    def _verify_token(self, claim: _Claim) -> None:
        needed = self._keyring.tokens.get(claim.key_id, "")
        if needed and not claim.token:  # inferred: to OSS, a temporary key without its token is no key at all
            raise RefusedError(
                403, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist in our records."
            )
        if claim.token != needed:  # documented as an error of its own; its code is inferred
            raise RefusedError(403, "InvalidSecurityToken", "The security token you provided is invalid.")

    def _verify_moment(self, claim: _Claim) -> None:
        try:
            moment = datetime.strptime(claim.moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
        except ValueError:
            raise RefusedError(403, "AccessDenied", "OSS authentication requires a valid Date.") from None
        if not claim.moment.startswith(claim.date):  # wording inferred
            raise RefusedError(400, "InvalidArgument", "The date in Credential does not match x-oss-date.")
        age = self._clock() - moment.timestamp()
        if claim.expires_seconds is None:
            if abs(age) > _SKEW_SECONDS:
                raise RefusedError(
                    403,
                    "RequestTimeTooSkewed",
                    "The difference between the request time and the current time is too large.",
                )
        elif age > claim.expires_seconds or age < -_SKEW_SECONDS:
            raise RefusedError(403, "AccessDenied", "Request has expired.")  # inferred from the other signatures


def _claim(request: Request) -> _Claim:
    """The signature's own description, from the header or the query."""
    authorization = request.headers.get("authorization", "")
    parameters = request.parameters
    if authorization.startswith(f"{_ALGORITHM} "):
        return _claim_in_header(request, authorization)
    if parameters.get("x-oss-signature-version") == _ALGORITHM:
        return _claim_in_query(request)
    if authorization.startswith(("OSS ", "OSS2 ")) or "OSSAccessKeyId" in parameters:
        # 403 and EC are documented for accounts that V1 is closed to; code and message are inferred.
        raise RefusedError(
            403, "AccessDenied", "This signature version is not supported. Use V4.", {"EC": "0002-00000080"}
        )
    if authorization:
        raise RefusedError(400, "InvalidArgument", "Authorization header is invalid.")
    raise RefusedError(403, "AccessDenied", "You have no right to access this object because of bucket acl.")


def _claim_in_header(request: Request, authorization: str) -> _Claim:
    fields = {
        name.strip(): value.strip()
        for name, _, value in (field.partition("=") for field in authorization[len(_ALGORITHM) :].split(","))
    }
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
    """Key id, date and region of `<key id>/<date>/<region>/oss/aliyun_v4_request`."""
    parts = text.split("/")
    if len(parts) != 5 or parts[3:] != ["oss", "aliyun_v4_request"]:  # noqa: PLR2004  the five parts named above
        raise RefusedError(400, "InvalidArgument", "The Credential is invalid.", {"EC": "0002-00000213"})
    return parts[0], parts[1], parts[2]


def _header_names(text: str) -> tuple[str, ...]:
    return tuple(sorted(name.strip().lower() for name in text.split(";") if name.strip()))


def _signature(request: Request, bucket: str, key: str, claim: _Claim, secret: str) -> str:
    signed = {*_ALWAYS_SIGNED, *claim.additional_headers}
    headers = sorted(item for item in request.headers.items() if item[0] in signed or item[0].startswith("x-oss-"))
    canonical_request = "\n".join(
        (
            request.method,
            quote(f"/{bucket}/{key}" if bucket else "/", safe="/~"),
            _canonical_query(request.parameters),
            "".join(f"{name}:{value}\n" for name, value in headers),
            ";".join(claim.additional_headers),
            request.headers.get("x-oss-content-sha256", "UNSIGNED-PAYLOAD"),
        )
    )
    digest = hashlib.sha256(canonical_request.encode("latin-1")).hexdigest()
    to_sign = f"{_ALGORITHM}\n{claim.moment}\n{claim.date}/{claim.region}/oss/aliyun_v4_request\n{digest}"
    signing_key = f"aliyun_v4{secret}".encode()
    for part in (claim.date, claim.region, "oss", "aliyun_v4_request"):
        signing_key = hmac.digest(signing_key, part.encode(), "sha256")
    return hmac.digest(signing_key, to_sign.encode(), "sha256").hex()


def _canonical_query(parameters: dict[str, str]) -> str:
    encoded = sorted(
        (quote(name, safe="~"), quote(value, safe="~"))
        for name, value in parameters.items()
        if name != "x-oss-signature"
    )
    return "&".join(f"{name}={value}" if value else name for name, value in encoded)
