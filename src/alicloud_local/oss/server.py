"""A stand-in for OSS (Object Storage Service)."""

from __future__ import annotations

import base64
import functools
import ipaddress
from collections.abc import Callable, Mapping
from typing import ClassVar
from urllib.parse import unquote

from typing_extensions import override

from alicloud_local.faults import RefusalKind
from alicloud_local.http_server import Reply, Request
from alicloud_local.oss import listings, multipart, objects, operations
from alicloud_local.oss import messages as xml
from alicloud_local.oss.operations import SETTINGS, Call
from alicloud_local.oss.signature import SUBRESOURCES, OssVerifier
from alicloud_local.oss.store import Bucket, Store, StoredObject, VersioningStatus, with_data
from alicloud_local.service import Keyring, LocalService, Refusal, RefusedError, ServerOptions

_PLAIN_PARAMETERS = {
    *("callback", "callback-var", "continuation-token", "partNumber", "position", "regionList", "security-token"),
    *("sequential", "x-oss-request-payer", "x-oss-traffic-limit"),
}
_DECISIVE = {name for name in SUBRESOURCES - _PLAIN_PARAMETERS if not name.startswith("response-")}
"""The parameters of which a request has at most one."""


class OssServer(LocalService):
    """The OSS of one region: buckets, objects, listings, multipart uploads, symlinks and tags.

    A bucket is addressed in the path, or by Host header as `bucket.anything`. Requests are signed with V4, in a header
    or in a presigned URL; `accepts_v1` takes the older V1 too. Requests about versions, processing and live channels
    get 501 NotImplemented.

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

    def __init__(self, keyring: Keyring, options: ServerOptions, *, accepts_v1: bool = False) -> None:
        super().__init__(keyring, options, is_fault_target=str.startswith)
        self._verifier = OssVerifier(keyring, options.clock, self.region, accepts_v1=accepts_v1)
        self._store = Store()

    def create_bucket(
        self, name: str, *, versioning: bool | VersioningStatus = False, region: str | None = None
    ) -> None:
        """Make a bucket, unless it is there. One of another `region` than the server's refuses every call."""
        status: VersioningStatus | None = versioning if isinstance(versioning, str) else None
        if versioning is True:
            status = "Enabled"
        with self._store.lock:
            self._store.buckets.setdefault(name, Bucket(name, region or self.region, self.clock(), status))

    def forbid(self, name: str) -> None:
        """Refuse every further call on the bucket with 403 AccessDenied. Raises KeyError when there is none."""
        with self._store.lock:
            self._store.bucket(name).forbidden = True

    def deny_key(self, key_id: str) -> None:
        """Refuse every GET of an object that is encrypted with this key of KMS; HEAD goes on to work [inferred]."""
        with self._store.lock:
            self._store.denied_keys.add(key_id)

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
        """Put an object without a request; `modified` is its time in seconds since 1970.

        `storage_class` is Standard, IA, Archive, ColdArchive or DeepColdArchive (documented). Raises KeyError for an
        unknown bucket.
        """
        moment = self.clock() if modified is None else modified
        model = StoredObject(moment, content_type or "application/octet-stream", storage_class=storage_class)
        stored = with_data(model, data)
        with self._store.lock:
            self._store.bucket(bucket).objects[key] = stored

    def get(self, bucket: str, key: str) -> bytes:
        """Return the data of an object. Raises KeyError for an unknown bucket or key."""
        with self._store.lock:
            return self._store.bucket(bucket).objects[key].data

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object, as a lifecycle rule does. A missing object is not an error."""
        with self._store.lock:
            self._store.bucket(bucket).objects.pop(key, None)

    def modified(self, bucket: str, key: str) -> float:
        """Return the time of an object's last write, in seconds since 1970. Raises KeyError when it is not there."""
        with self._store.lock:
            return self._store.bucket(bucket).objects[key].modified

    def keys(self, bucket: str) -> list[str]:
        """Return the keys in a bucket, sorted. Raises KeyError for an unknown bucket."""
        with self._store.lock:
            return sorted(self._store.bucket(bucket).objects)

    @override
    def locate(self, request: Request) -> tuple[str, str]:
        bucket, key = _address(request)
        asked = {} if key else request.parameters
        subresource = next((f"?{name}" for name in asked if name in _DECISIVE), "")
        prefix = f"?prefix={asked['prefix']}" if asked.get("prefix") else ""
        return request.method, f"{bucket}/{key}{subresource or prefix}"

    @override
    def answer(self, request: Request) -> Reply:
        name, key = _address(request)
        anonymous = not self._verifier.verify(request, name, key)
        with self._store.lock:
            reply = self._carry_out(request, name, key, anonymous=anonymous)
        headers = {**_common_headers(xml.request_id()), **reply.headers}
        return Reply(reply.status, headers, reply.body, reply.chunked)

    @override
    def refuse(self, refusal: RefusedError, request: Request) -> Reply:
        request_id = xml.request_id()
        body = xml.error(refusal.document(request, request_id))
        headers = {**_common_headers(request_id), "Content-Type": "application/xml", **refusal.headers}
        if "EC" in refusal.details:
            headers["x-oss-ec"] = refusal.details["EC"]
        if request.method != "HEAD":
            return Reply(refusal.status, headers, body)
        # A reply to HEAD has no body: the same document comes in a header.
        return Reply(refusal.status, {**headers, "x-oss-err": base64.b64encode(body).decode()})

    def _carry_out(self, request: Request, name: str, key: str, *, anonymous: bool) -> Reply:
        asked = [each for each in request.parameters if each in _DECISIVE]
        if anonymous:
            self._check_public(request.method, name, key)
        if not name:
            if request.method != "GET" or asked:
                raise objects.not_implemented()
            return listings.list_buckets(self._store.buckets.values(), request.headers["host"], request.parameters)
        if request.method == "PUT" and not key and not asked:
            return operations.put_bucket(self._store, name, self.region, request, self.clock())
        call = Call(request, self._store, self.clock(), self._accessible(name), key)
        table = _OBJECT_OPERATIONS if key else _BUCKET_OPERATIONS
        operation = table.get((request.method, asked[0] if asked else "")) if len(asked) < 2 else None  # noqa: PLR2004
        if operation is None:
            raise objects.not_implemented()
        return operation(call)

    def _check_public(self, method: str, name: str, key: str) -> None:
        """Refuse a request without a signature that no access control list allows."""
        bucket = self._store.buckets.get(name)
        stored = bucket.objects.get(key) if bucket else None
        acl = stored.acl if stored and stored.acl != "default" else bucket.acl if bucket else "private"
        if not key or acl == "private" or (acl == "public-read" and method not in ("GET", "HEAD")):
            raise RefusedError(403, "AccessDenied", "You have no right to access this object because of bucket acl.")

    def _accessible(self, name: str) -> Bucket:
        bucket = self._store.buckets.get(name)
        if bucket is None:
            raise RefusedError(404, "NoSuchBucket", "The specified bucket does not exist.", {"BucketName": name})
        if bucket.region != self.region:
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


_BUCKET_OPERATIONS: dict[tuple[str, str], Callable[[Call], Reply]] = {
    ("GET", ""): lambda call: listings.list_objects(call.bucket, call.request.parameters, call.now),
    ("HEAD", ""): operations.head_bucket,
    ("DELETE", ""): operations.delete_bucket,
    ("GET", "acl"): operations.get_bucket_acl,
    ("PUT", "acl"): operations.put_bucket_acl,
    ("GET", "bucketInfo"): operations.get_bucket_info,
    ("GET", "location"): operations.get_bucket_location,
    ("GET", "versioning"): operations.get_bucket_versioning,
    ("GET", "stat"): operations.get_bucket_stat,
    ("GET", "uploads"): lambda call: listings.list_uploads(call.bucket, call.request.parameters),
    ("GET", "live"): operations.list_live_channels,
    ("POST", "delete"): operations.delete_objects,
    **{("GET", name): functools.partial(operations.get_setting, name=name) for name in SETTINGS},
    **{("PUT", name): functools.partial(operations.put_setting, name=name) for name in SETTINGS},
    **{("DELETE", name): functools.partial(operations.delete_setting, name=name) for name in SETTINGS},
}
_OBJECT_OPERATIONS: dict[tuple[str, str], Callable[[Call], Reply]] = {
    ("PUT", ""): objects.put_object,
    ("GET", ""): objects.get_object,
    ("HEAD", ""): objects.get_object,
    ("DELETE", ""): objects.delete_object,
    ("GET", "objectMeta"): objects.get_object_meta,
    ("HEAD", "objectMeta"): objects.get_object_meta,
    ("POST", "append"): objects.append_object,
    ("POST", "restore"): objects.restore_object,
    ("GET", "acl"): objects.get_object_acl,
    ("PUT", "acl"): objects.put_object_acl,
    ("GET", "tagging"): objects.get_object_tagging,
    ("PUT", "tagging"): objects.put_object_tagging,
    ("DELETE", "tagging"): objects.delete_object_tagging,
    ("GET", "symlink"): objects.get_symlink,
    ("PUT", "symlink"): objects.put_symlink,
    ("POST", "uploads"): multipart.initiate,
    ("PUT", "uploadId"): multipart.upload_part,
    ("POST", "uploadId"): multipart.complete,
    ("GET", "uploadId"): multipart.list_parts,
    ("DELETE", "uploadId"): multipart.abort,
}


def _address(request: Request) -> tuple[str, str]:
    """Return bucket and key, "" where there is none. A host that is an IP address or a single name has no bucket."""
    path = unquote(request.path[1:], errors="replace")
    bucket = _bucket_of_host(request.headers.get("host", ""))
    if bucket:
        return bucket, path
    bucket, _, key = path.partition("/")
    return bucket, key


@functools.lru_cache
def _bucket_of_host(host: str) -> str:
    host = host.rpartition(":")[0] or host
    bucket, dot, _ = host.partition(".")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bucket if dot and not bucket.startswith("oss-") else ""
    return ""


def _common_headers(request_id: str) -> dict[str, str]:
    return {"Server": "AliyunOSS", "x-oss-request-id": request_id}
