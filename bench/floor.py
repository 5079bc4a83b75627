"""A job with the fewest means there are: the standard library, requests signed by hand, one connection for each host.

The floor of the benchmarks. It makes the calls that ice-result makes for a Cover job (query, look up each file, write
a record and a manifest) and nothing else: no retries, no checks, no error handling, no SDK.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import ssl
import time
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import quote, urlencode

from measured import measure

KEY_ID, SECRET = os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"], os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
REGION = os.environ["ICE_RESULT_REGION"]
TLS = ssl.create_default_context(cafile=os.environ.get("REQUESTS_CA_BUNDLE"))


def connect(endpoint: str) -> HTTPConnection:
    """Return a connection that opens with its first request and stays open."""
    protocol, _, host = endpoint.partition("://")
    return HTTPSConnection(host, context=TLS) if protocol == "https" else HTTPConnection(host)


ice, oss = connect(os.environ["ICE_RESULT_ICE_ENDPOINT"]), connect(os.environ["ICE_RESULT_OSS_ENDPOINT"])
ICE_HOST = os.environ["ICE_RESULT_ICE_ENDPOINT"].partition("://")[2]


def sign(key: bytes, text: str) -> bytes:
    """Return the HMAC-SHA256 of a text."""
    return hmac.digest(key, text.encode(), "sha256")


def sha256(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def query_job(job_id: str) -> dict[str, str]:
    """Call QueryIProductionJob, signed with ACS3-HMAC-SHA256."""
    query = urlencode({"JobId": job_id}, quote_via=quote)
    headers = {
        "host": ICE_HOST,
        "x-acs-action": "QueryIProductionJob",
        "x-acs-content-sha256": sha256(""),
        "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "x-acs-signature-nonce": os.urandom(16).hex(),
        "x-acs-version": "2020-11-09",
    }
    if token := os.environ.get("ALIBABA_CLOUD_SECURITY_TOKEN"):
        headers["x-acs-security-token"] = token
    names = sorted(headers)
    signed = ";".join(names)
    lines = "".join(f"{name}:{headers[name]}\n" for name in names)
    canonical = f"POST\n/\n{query}\n{lines}\n{signed}\n{sha256('')}"
    signature = sign(SECRET.encode(), f"ACS3-HMAC-SHA256\n{sha256(canonical)}").hex()
    headers["authorization"] = f"ACS3-HMAC-SHA256 Credential={KEY_ID},SignedHeaders={signed},Signature={signature}"
    job: dict[str, str] = json.loads(call(ice, "POST", f"/?{query}", headers)[1])
    return job


def call_oss(method: str, bucket: str, key: str, body: str | None = None) -> int:
    """Send a request to OSS, signed with V4; return the length that the response gives the object."""
    path = quote(f"/{bucket}/{key}")
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"{moment[:8]}/{REGION}/oss/aliyun_v4_request"
    headers = {"x-oss-content-sha256": "UNSIGNED-PAYLOAD", "x-oss-date": moment}
    if token := os.environ.get("ALIBABA_CLOUD_SECURITY_TOKEN"):
        headers["x-oss-security-token"] = token
    if body is not None:
        headers["content-type"] = "application/json"
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = f"{method}\n{path}\n\n{lines}\n\nUNSIGNED-PAYLOAD"
    key_of_day = f"aliyun_v4{SECRET}".encode()
    for part in scope.split("/"):
        key_of_day = sign(key_of_day, part)
    signature = sign(key_of_day, f"OSS4-HMAC-SHA256\n{moment}\n{scope}\n{sha256(canonical)}").hex()
    headers["authorization"] = f"OSS4-HMAC-SHA256 Credential={KEY_ID}/{scope},Signature={signature}"
    return call(oss, method, path, headers, body)[0]


def call(
    connection: HTTPConnection, method: str, path: str, headers: dict[str, str], body: str | None = None
) -> tuple[int, bytes]:
    """Send a request; return the Content-Length and the body of its response."""
    connection.request(method, path, body and body.encode(), headers)
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:  # noqa: PLR2004  each of these calls has this status when all is well
        raise SystemExit(f"{method} {path}: {response.status} {content!r}")
    return int(response.getheader("content-length", "0")), content


def handler(event: bytes) -> None:
    """Handle `{"JobIds": [...]}`."""
    for job_id in json.loads(event)["JobIds"]:
        job = query_job(job_id)
        covers = json.loads(job["Result"])
        files = [{"key": key, "size": call_oss("HEAD", "example-output", key)} for key in job["OutputFiles"]]
        record = {"job_id": job_id, "status": job["Status"], "covers": covers, "raw": job}
        call_oss("PUT", "records", f"floor/records/{job_id}.json", json.dumps(record))
        call_oss("PUT", "records", f"floor/manifests/{job_id}.json", json.dumps({"job_id": job_id, "files": files}))


if __name__ == "__main__":
    measure(handler)
