"""Tablestore's signatures: V2 (HMAC-SHA1), V4 (HMAC-SHA256 with a key per day and region), and that of its replies.

The forms are those of the SDKs; codes and messages are documented, but for those of security tokens, which are
inferred, as is which one comes first where a request has several faults.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone

from alicloud_local.http_server import Request
from alicloud_local.service import Keyring, RefusedError, read_time

_SKEW_SECONDS = 15 * 60
_NEEDED = ("x-ots-date", "x-ots-apiversion", "x-ots-accesskeyid", "x-ots-instancename", "x-ots-contentmd5")
_SIGNATURES = ("x-ots-signature", "x-ots-signaturev4")
_INSTANCE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,14}[A-Za-z0-9]")
_DATE_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class OtsVerifier:
    """Verifies requests, and signs each reply with the key of its request."""

    def __init__(self, keyring: Keyring, clock: Callable[[], float], region: str) -> None:
        self._keyring = keyring
        self._clock = clock
        self._region = region

    def verify(self, request: Request) -> None:
        """Check a request. Raises RefusedError unless it is whole, recent and signed with accepted keys."""
        if request.method != "POST":
            raise RefusedError(405, "OTSMethodNotAllowed", "Only POST method for requests is supported.")
        headers = request.headers
        for name in (*_NEEDED, "x-ots-signaturev4" if "x-ots-signaturev4" in headers else "x-ots-signature"):
            if not headers.get(name):
                raise RefusedError(400, "OTSParameterInvalid", f"Missing header: '{name}'.")
        if not _INSTANCE_NAME.fullmatch(headers["x-ots-instancename"]):
            raise RefusedError(400, "OTSParameterInvalid", f"Invalid instance name: '{headers['x-ots-instancename']}'.")
        key = self._signing_key(headers)
        if key is None:
            raise _auth_failed("The AccessKeyID does not exist.")
        self._verify_signature(request, key)
        self._verify_date(headers["x-ots-date"])
        if headers["x-ots-contentmd5"] != content_md5(request.body):
            raise _auth_failed("Mismatch between MD5 value of request body and x-ots-contentmd5 in header.")
        if headers.get("x-ots-ststoken", "") != self._keyring.tokens.get(headers["x-ots-accesskeyid"], ""):
            raise _auth_failed("The security token is missing or does not match the AccessKeyID.")

    def sign_reply(self, request: Request, headers: Mapping[str, str]) -> str | None:
        """Return the Authorization of a reply with these headers; None for a request of an unknown access key."""
        key = self._signing_key(request.headers)
        if key is None:
            return None
        to_sign = f"{_canonical_headers(headers)}\n{request.path}"
        return f"OTS {request.headers['x-ots-accesskeyid']}:{_hmac(key, to_sign, 'sha1')}"

    def _signing_key(self, headers: Mapping[str, str]) -> bytes | None:
        secret = self._keyring.secrets.get(headers.get("x-ots-accesskeyid", ""))
        if secret is None:
            return None
        if "x-ots-signaturev4" not in headers:
            return secret.encode()
        key = b"aliyun_v4" + secret.encode()
        for part in (headers.get("x-ots-signdate", ""), self._region, "ots", "aliyun_v4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return base64.b64encode(key)

    @staticmethod
    def _verify_signature(request: Request, key: bytes) -> None:
        signed = {name: value for name, value in request.headers.items() if name not in _SIGNATURES}
        to_sign = f"{request.path}\nPOST\n\n{_canonical_headers(signed)}\n"
        if "x-ots-signaturev4" in request.headers:
            expected, sent = _hmac(key, to_sign + "ots", "sha256"), request.headers["x-ots-signaturev4"]
        else:
            expected, sent = _hmac(key, to_sign, "sha1"), request.headers["x-ots-signature"]
        if not hmac.compare_digest(expected.encode(), sent.encode()):
            raise _auth_failed("Signature mismatch.")

    def _verify_date(self, text: str) -> None:
        date = read_time(text, _DATE_FORMAT)
        if date is None:
            raise RefusedError(400, "OTSParameterInvalid", f"Invalid date format: {text}.")
        if abs(self._clock() - date) > _SKEW_SECONDS:
            raise _auth_failed(f"Mismatch between system time and x-ots-date: {text}.")


def content_md5(body: bytes) -> str:
    """Return the value of x-ots-contentmd5, a checksum and nothing more."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


@functools.lru_cache
def date_header(seconds: int) -> str:
    """Return the value of x-ots-date for a time in seconds since 1970."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _canonical_headers(headers: Mapping[str, str]) -> str:
    return "\n".join(sorted(f"{name}:{value.strip()}" for name, value in headers.items() if name.startswith("x-ots-")))


def _hmac(key: bytes, text: str, method: str) -> str:
    return base64.b64encode(hmac.digest(key, text.encode(), method)).decode()


def _auth_failed(message: str) -> RefusedError:
    return RefusedError(403, "OTSAuthFailed", message)
