"""A stand-in for OSS (Object Storage Service): buckets in memory behind its real protocol and signature V4.

What it does not do (versions, multipart uploads, access control lists, …) it refuses with 501 NotImplemented.
"""

from __future__ import annotations

import base64
import ipaddress
import secrets
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import unquote

from typing_extensions import override

from alicloud_local import oss_xml as xml
from alicloud_local.faults import RefusalKind
from alicloud_local.oss4 import Oss4Verifier
from alicloud_local.oss_listing import list_objects
from alicloud_local.oss_read import get_object
from alicloud_local.oss_store import Bucket, Store, StoredObject, VersioningStatus, content_md5
from alicloud_local.service import Conditions, Keyring, LocalService, Refusal, RefusedError
from alicloud_local.wire import Reply, Request

_DEFAULT_TYPE = "application/octet-stream"
_KEPT_HEADERS = {"cache-control", "content-disposition", "content-encoding", "content-language", "expires"}
_KEPT_PREFIXES = ("x-oss-meta-", "x-oss-server-side-encryption", "x-oss-storage-class")
_BUCKET_READS = ("versioning", "bucketInfo", "location")
_LISTING = {
    *("prefix", "delimiter", "marker", "max-keys", "encoding-type"),
    *("list-type", "start-after", "continuation-token", "fetch-owner"),
}
_PRESIGNING = {
    *("x-oss-signature-version", "x-oss-credential", "x-oss-date", "x-oss-expires", "x-oss-signature"),
    *("x-oss-additional-headers", "x-oss-security-token"),
}


class OssServer(LocalService):
    """The OSS of one region. Buckets are addressed in the path, or by Host header as `bucket.anything`.

    The operation of a call is its HTTP method, its target `bucket/key`; for a call on the bucket itself `bucket/`,
    `bucket/?versioning` and the like, or `bucket/?prefix=a/b/` where only keys with a prefix are listed.
    """

    name: ClassVar[str] = "OSS"
    fault_refusals: ClassVar[Mapping[RefusalKind, Refusal]] = {
        # As clients of OSS know it; the list of 503 errors names TotalQpsLimitExceeded, with the same meaning.
        "throttle": Refusal(503, "QpsLimitExceeded", "Please reduce your request rate."),
        "error_500": Refusal(500, "InternalError", "We encountered an internal error. Please try again."),
        "forbidden": Refusal(403, "AccessDenied", "You have no right to access this object because of bucket acl."),
        "expired_keys": Refusal(403, "SecurityTokenExpired", "The security token you provided has expired."),
        "clock_skew": Refusal(
            403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."
        ),
    }

    def __init__(self, keyring: Keyring, conditions: Conditions, *, region: str, port: int = 0) -> None:
        super().__init__(keyring, conditions, is_fault_target=str.startswith, port=port)
        self._verifier = Oss4Verifier(keyring, conditions.clock, region)
        self._region = region
        self._store = Store()

    def create_bucket(
        self, name: str, *, versioning: bool | VersioningStatus = False, region: str | None = None
    ) -> None:
        """Make a bucket, unless it is there. One of another `region` than the server's refuses every call."""
        status: VersioningStatus | None = versioning if isinstance(versioning, str) else None
        if versioning is True:
            status = "Enabled"
        self._store.create(Bucket(name, region or self._region, self.clock(), status))

    def forbid(self, name: str) -> None:
        """Refuse every further call on the bucket with 403 AccessDenied. Raises KeyError when there is none."""
        self._store.bucket(name).forbidden = True

    def put(
        self,
        bucket: str,
        key: str,
        data: bytes,
        content_type: str | None = None,
        *,
        modified: float | None = None,
        storage_class: str = "Standard",
    ) -> None:
        """Put an object without a request, to prepare a test; `modified` is its time in seconds since 1970.

        `storage_class` is Standard, IA, Archive, ColdArchive or DeepColdArchive (documented). Raises KeyError for an
        unknown bucket.
        """
        moment = self.clock() if modified is None else modified
        stored = StoredObject.of(data, content_type or _DEFAULT_TYPE, {"x-oss-storage-class": storage_class}, moment)
        self._store.put(self._store.bucket(bucket), key, stored)

    def get(self, bucket: str, key: str) -> bytes:
        """What an object holds. Raises KeyError for an unknown bucket or key."""
        return self._store.bucket(bucket).objects[key].data

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object, as a lifecycle rule does; one that is not there is no error."""
        self._store.delete(self._store.bucket(bucket), key)

    def modified(self, bucket: str, key: str) -> float:
        """When an object was written last, in seconds since 1970. Raises KeyError when it is not there."""
        return self._store.bucket(bucket).objects[key].modified

    def keys(self, bucket: str) -> list[str]:
        """The keys in a bucket, sorted. Raises KeyError for an unknown bucket."""
        return [key for key, _ in self._store.entries(self._store.bucket(bucket))]

    @override
    def locate(self, request: Request) -> tuple[str, str]:
        bucket, key = _address(request)
        asked = {} if key else request.parameters
        subresource = next((f"?{name}" for name in _BUCKET_READS if name in asked), "")
        prefix = f"?prefix={asked['prefix']}" if asked.get("prefix") else ""
        return request.method, f"{bucket}/{key}{subresource or prefix}"

    @override
    def answer(self, request: Request) -> Reply:
        name, key = _address(request)
        self._verifier.verify(request, name, key)
        reply = self._of_object(request, name, key) if key else self._of_bucket(request, name)
        return Reply(reply.status, {**_common_headers(_request_id()), **reply.headers}, reply.body)

    @override
    def refuse(self, refusal: RefusedError, request: Request) -> Reply:
        request_id = _request_id()
        fields = {
            "Code": refusal.code,
            "Message": refusal.message,
            "RequestId": request_id,
            "HostId": request.headers.get("host", ""),
            **refusal.details,
        }
        body = xml.error(fields)
        headers = {**_common_headers(request_id), "Content-Type": "application/xml"}
        if "EC" in refusal.details:
            headers["x-oss-ec"] = refusal.details["EC"]
        if request.method != "HEAD":
            return Reply(refusal.status, headers, body)
        # A reply to HEAD has no body: the same document comes in a header.
        return Reply(refusal.status, {**headers, "x-oss-err": base64.b64encode(body).decode()})

    def _of_bucket(self, request: Request, name: str) -> Reply:
        asked = request.parameters.keys() - _PRESIGNING
        if request.method == "PUT" and name and not asked:
            self.create_bucket(name)
            return Reply(200, {"Location": f"/{name}"})
        if not name or request.method not in ("GET", "HEAD"):
            raise _not_implemented()
        bucket = self._accessible(name)
        if request.method == "HEAD":
            return Reply(200, {"x-oss-bucket-region": bucket.region})
        if asked == {"versioning"}:
            body = xml.versioning(bucket)
        elif asked == {"bucketInfo"}:
            body = xml.bucket_info(bucket)
        elif asked == {"location"}:
            body = xml.document("LocationConstraint", f"oss-{bucket.region}")
        elif asked <= _LISTING:
            body = list_objects(name, self._store.entries(bucket), request.parameters)
        else:
            raise _not_implemented()
        return Reply(200, {"Content-Type": "application/xml"}, body)

    def _of_object(self, request: Request, name: str, key: str) -> Reply:
        if not request.parameters.keys() <= {*_PRESIGNING, "objectMeta"}:
            raise _not_implemented()
        bucket = self._accessible(name)
        match request.method:
            case "PUT":
                return self._put_object(request, bucket, key)
            case "GET" | "HEAD":
                return get_object(request, bucket, key)
            case "DELETE":
                self._store.delete(bucket, key)
                return Reply(204)
            case _:
                raise _not_implemented()

    def _put_object(self, request: Request, bucket: Bucket, key: str) -> Reply:
        headers = request.headers
        if "if-match" in headers or "if-none-match" in headers or "x-oss-copy-source" in headers:
            raise _not_implemented()
        if headers.get("content-md5", content_md5(request.body)) != content_md5(request.body):
            raise RefusedError(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
        kept = {
            name: value for name, value in headers.items() if name in _KEPT_HEADERS or name.startswith(_KEPT_PREFIXES)
        }
        stored = StoredObject.of(request.body, headers.get("content-type", _DEFAULT_TYPE), kept, self.clock())
        # Where versioning is or was enabled, OSS ignores forbid-overwrite without a word (documented).
        forbids = headers.get("x-oss-forbid-overwrite", "").lower() == "true" and bucket.versioning is None
        if not self._store.put(bucket, key, stored, replace=not forbids):
            raise RefusedError(
                409, "FileAlreadyExists", "The object you specified already exists and can not be overwritten."
            )
        encryption = {name: value for name, value in kept.items() if name.startswith("x-oss-server-side-encryption")}
        return Reply(200, {"ETag": stored.etag, "x-oss-hash-crc64ecma": stored.crc64, **encryption})

    def _accessible(self, name: str) -> Bucket:
        bucket = self._store.find(name)
        if bucket is None:
            raise RefusedError(404, "NoSuchBucket", "The specified bucket does not exist.", {"BucketName": name})
        if bucket.region != self._region:
            raise RefusedError(
                403,
                "AccessDenied",
                "The bucket you are attempting to access must be addressed using the specified endpoint. "
                "Please send all future requests to this endpoint.",
                {"Bucket": name, "Endpoint": f"oss-{bucket.region}.aliyuncs.com"},
            )
        if bucket.forbidden:
            raise RefusedError(403, "AccessDenied", "You have no right to access this object because of bucket acl.")
        return bucket


def _address(request: Request) -> tuple[str, str]:
    """Bucket and key; "" where there is none. A host that is an IP address or a single name holds no bucket."""
    path = unquote(request.path[1:], errors="replace")
    host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
    bucket, dot, _ = host.partition(".")
    if dot and not bucket.startswith("oss-") and not _is_ip_address(host):
        return bucket, path
    bucket, _, key = path.partition("/")
    return bucket, key


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _not_implemented() -> RefusedError:
    return RefusedError(501, "NotImplemented", "A header you provided implies functionality that is not implemented.")


def _common_headers(request_id: str) -> dict[str, str]:
    return {"Server": "AliyunOSS", "x-oss-request-id": request_id}


def _request_id() -> str:
    return secrets.token_hex(12).upper()
