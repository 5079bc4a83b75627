"""ACS3-HMAC-SHA256, the signature of Alibaba Cloud's RPC-style services.

Checked against the SDK's own signer. Codes and messages are documented as the API gateway's common errors, but for
those of security tokens, which are inferred, as is which one comes first where a request has several faults.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections import deque
from collections.abc import Callable
from urllib.parse import quote

from alicloud_local.http_server import Request
from alicloud_local.service import Keyring, RefusedError, read_time

_AUTHORIZATION = re.compile(
    r"ACS3-HMAC-SHA256 Credential=(?P<key_id>[^,]+),\s*SignedHeaders=(?P<headers>[^,]+),\s*Signature=(?P<signature>\w+)"
)
_SKEW_SECONDS = 15 * 60
_NONCES_REMEMBERED = 100_000


class Acs3Verifier:
    """Verifies requests, and remembers their nonces (the last 100,000) so that none is accepted twice."""

    def __init__(self, keyring: Keyring, clock: Callable[[], float]) -> None:
        self._keyring = keyring
        self._clock = clock
        self._lock = threading.Lock()
        self._nonces: set[str] = set()
        self._nonces_in_order: deque[str] = deque()

    def verify(self, request: Request) -> None:
        """Check a request. Raises RefusedError unless it is signed with accepted keys, is recent and is new."""
        authorization = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
        if authorization is None:
            raise RefusedError(400, "MissingAccessKeyId", "AccessKeyId is mandatory for this action.")
        key_id = authorization["key_id"]
        secret = self._keyring.secrets.get(key_id)
        if secret is None:
            raise RefusedError(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        self._verify_date(request.headers.get("x-acs-date", ""))
        self._verify_token(request.headers.get("x-acs-security-token", ""), self._keyring.tokens.get(key_id, ""))
        expected = signature(request, secret, _signed_headers(request, authorization["headers"]))
        if not hmac.compare_digest(expected, authorization["signature"]):
            raise RefusedError(400, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation.")
        self._use_nonce(request.headers.get("x-acs-signature-nonce", ""))

    def _verify_date(self, text: str) -> None:
        date = read_time(text, "%Y-%m-%dT%H:%M:%SZ")
        if date is None:
            raise RefusedError(
                400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted."
            )
        if abs(self._clock() - date) > _SKEW_SECONDS:
            raise RefusedError(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")

    @staticmethod
    def _verify_token(sent: str, needed: str) -> None:
        if needed and not sent:
            raise RefusedError(400, "MissingSecurityToken", "SecurityToken is mandatory for this action.")
        if sent != needed:
            raise RefusedError(
                400,
                "InvalidSecurityToken.MismatchWithAccessKey",
                "Specified SecurityToken mismatch with the AccessKey.",
            )

    def _use_nonce(self, nonce: str) -> None:
        if not nonce:
            raise RefusedError(400, "MissingSignatureNonce", "SignatureNonce is mandatory for this action.")
        with self._lock:
            if nonce in self._nonces:
                raise RefusedError(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
            self._nonces.add(nonce)
            self._nonces_in_order.append(nonce)
            if len(self._nonces_in_order) > _NONCES_REMEMBERED:
                self._nonces.discard(self._nonces_in_order.popleft())


def signature(request: Request, secret: str, signed_headers: list[str]) -> str:
    """Compute the signature of a request, in hexadecimal."""
    canonical_request = "\n".join(
        (
            request.method,
            request.path,
            _canonical_query(request.parameters),
            "".join(f"{name}:{request.headers[name].strip()}\n" for name in signed_headers),
            ";".join(signed_headers),
            hashlib.sha256(request.body).hexdigest(),
        )
    )
    to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical_request.encode()).hexdigest()}"
    return hmac.digest(secret.encode(), to_sign.encode(), "sha256").hex()


def _signed_headers(request: Request, listed: str) -> list[str]:
    """Return the signed headers; those that decide the meaning of a request must be signed (documented)."""
    names = listed.split(";")
    needed = {"host", *(name for name in request.headers if name.startswith("x-acs-"))}
    body_hash = request.headers.get("x-acs-content-sha256", "")
    if not needed.issubset(names) or not request.headers.keys() >= set(names) or not body_hash:
        raise RefusedError(400, "IncompleteSignature", "The request signature does not conform to Aliyun standards.")
    return names


def _canonical_query(parameters: dict[str, str]) -> str:
    return "&".join(f"{quote(name, safe='~')}={quote(parameters[name], safe='~')}" for name in sorted(parameters))
